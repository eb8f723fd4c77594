//! Keeps a channel leased, and sends on it what waits.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytestring::ByteString;
use tokio::time::Instant;

use crate::connection::{ConnectError, ConnectErrorKind};
use crate::name::Name;
use crate::template::RefusedReason;
use crate::template::channel::PublishChannel;
use crate::time::Deadline;

use super::Engine;
use super::flight::{Closed, Flight};
use super::gate::{Current, Next, Step};
use super::recovery::Suspicion;
use super::tally::Tally;

/// How long one try to lease a channel may take; then it begins again, so that its end is noticed.
const LEASE_TRY: Duration = Duration::from_secs(30);
/// Pause behind a lease that failed; waiting for a link is the connection's business and no failure.
const LEASE_PAUSE: Duration = Duration::from_millis(200);
/// How long closing a channel may take.
const CLOSE: Duration = Duration::from_secs(5);
/// How long starting the reply consumer may take.
const CONSUME: Duration = Duration::from_secs(10);

/// Tells everything if the runtime ends this task: nobody hangs.
struct Abandon(Arc<Engine>);

impl Drop for Abandon {
    fn drop(&mut self) {
        let cause = ByteString::from_static("the runtime of the template has ended");
        drop(self.0.abandon(&cause));
    }
}

/// What is remembered from one channel to the next.
#[derive(Default)]
struct Memory {
    suspicion: Suspicion,
    link: Option<u64>,
    grace_until: Option<Instant>,
}

impl Memory {
    /// A channel of this link is there. A link behind the first is a reconnect, and has a grace time.
    fn note_link(&mut self, link: u64, grace: Duration) {
        if self.link.is_some_and(|before| before != link) {
            self.grace_until = Some(Instant::now() + grace);
        }
        self.link = Some(link);
    }
}

/// Runs until the engine has stopped.
pub(super) async fn run(engine: Arc<Engine>) {
    let _abandon = Abandon(Arc::clone(&engine));
    let mut memory = Memory::default();
    loop {
        let current = tokio::select! {
            () = engine.stopped.cancelled() => return,
            leased = lease(&engine, &mut memory) => leased,
        };
        let current = match current {
            Ok(current) => current,
            Err(ended) => {
                let cause = format!("the publishing connection has ended: {ended}").into();
                engine.end(&cause);
                return;
            }
        };
        let Some(closed) = serve(&engine, &current).await else {
            return;
        };
        tracing::debug!(cause = %closed.cause, pending = closed.pending.len(), "a publishing channel has ended");
        engine.replies.channel_ended(&closed.cause);
        engine.recover(&current.flight, closed, &mut memory.suspicion);
    }
}

/// A channel, however long it takes. An error only when there will never be one again.
async fn lease(engine: &Arc<Engine>, memory: &mut Memory) -> Result<Current, ConnectError> {
    loop {
        // The grace time is known once the link is: the flight learns it from `memory` behind the lease.
        let flight = Flight::new(Arc::clone(engine));
        let sink = Arc::clone(&flight);
        let leased = engine.source.lease(sink, Deadline::after(LEASE_TRY)).await;
        match leased {
            Ok(leased) => {
                memory.note_link(leased.link, engine.settings.return_grace);
                flight.set_grace(memory.grace_until);
                let current = Current {
                    channel: leased.channel,
                    flight,
                };
                let mut gate = engine.gate.lock();
                // Behind a stop nobody would take it out again.
                if !gate.stopped {
                    gate.current = Some(current.clone());
                }
                return Ok(current);
            }
            Err(error) if error.kind() == ConnectErrorKind::Closed => return Err(error),
            Err(error) => {
                *engine.trouble.lock() = ByteString::from(error.to_string());
                tokio::time::sleep(LEASE_PAUSE).await;
            }
        }
    }
}

/// Sends on one channel until it ends. `None` when the engine has stopped.
async fn serve(engine: &Arc<Engine>, current: &Current) -> Option<Closed> {
    let flight = &current.flight;
    let mut consuming = false;
    loop {
        if let Some(closed) = flight.take_closed() {
            return Some(closed);
        }
        if engine.replace.swap(false, Ordering::AcqRel) {
            current.channel.close(Deadline::after(CLOSE)).await;
            continue;
        }
        let wants_replies = !consuming && engine.replies.is_wanted();
        // A blocked broker answers nothing, and a call without an answer costs the link.
        let blocked = wants_replies && engine.source.is_blocked();
        if wants_replies && !blocked {
            // Before the gate opens: a request that leaves on this channel finds its consumer there.
            consuming = consume_replies(engine, &current.channel).await;
        }
        match advance(engine) {
            Next::Again => tokio::task::yield_now().await,
            Next::Wait => tokio::select! {
                () = engine.stopped.cancelled() => return None,
                () = flight.changed.notified() => {}
                () = engine.work.notified() => {}
                // Whether it is unblocked is looked at again above.
                _ = engine.source.wait_unblocked(Deadline::after(LEASE_TRY)), if blocked => {}
            },
        }
    }
}

fn advance(engine: &Engine) -> Next {
    let mut step = Step::default();
    let next = engine.gate.lock().advance(&mut step);
    if step.sent {
        engine.watch_silence(Instant::now());
    }
    if step.slots > 0 || step.copies > 0 || !step.too_large.is_empty() {
        let mut tally = Tally {
            slots: step.slots,
            ..Tally::default()
        };
        tally.counts.copies = step.copies;
        for (entry, cause) in step.too_large {
            engine.refuse(&entry, RefusedReason::Headers, cause, &mut tally);
        }
        engine.apply(&mut tally);
    }
    next
}

async fn consume_replies(engine: &Engine, channel: &Arc<dyn PublishChannel>) -> bool {
    const TAG: Name = Name::from_static("rmq.replies");
    let sink = engine.replies.sink();
    let started = channel
        .consume_replies(TAG, sink, Deadline::after(CONSUME))
        .await;
    match started {
        Ok(()) => {
            engine.replies.channel_ready();
            true
        }
        Err(error) => {
            // A failed consume closes its channel; the next channel tries again.
            tracing::warn!(%error, "cannot consume replies");
            false
        }
    }
}
