//! One unit of concurrency: a task that keeps one channel consuming and handles what comes, one by one.

mod fate;
mod handle;
mod serve;
mod work;

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::connection::ChannelLease;
use crate::time::Deadline;
use crate::transport::TransportErrorKind;

use super::container::{ConsumerState, Container};
use super::control::Control;
use super::executor::Permit;
use super::inbox::Started;
use super::scaling::Cycles;
use super::session::{Refused, Session};

/// How long flushing acknowledgements and closing a channel may take.
const GOODBYE: Duration = Duration::from_secs(5);

/// Why a consumer's turn on a channel ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// It was told to end, or is not wanted any more.
    Quiet,
    /// The connection or the channel is gone.
    Lost(String),
    /// No queue of the listener can be consumed.
    NoQueue(String),
    /// One of its queues is missing, which ended the channel; the others are consumed on the next one.
    OneMissing,
    /// The connection has ended for good: there will never be a channel again.
    GivenUp(String),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Consumer {
    listener: Arc<Container>,
    number: usize,
    control: Arc<Control>,
    /// Kept from one delivery to the next while nobody else wants it.
    permit: Option<Permit>,
    cycles: Cycles,
    /// Queues (by place in the list) that were missing when last looked for.
    missing: Vec<usize>,
}

impl Consumer {
    pub(super) fn new(listener: Arc<Container>, number: usize, control: Arc<Control>) -> Self {
        Self {
            listener,
            number,
            control,
            permit: None,
            cycles: Cycles::default(),
            missing: Vec::new(),
        }
    }

    /// Consumes until told to end, through lost connections and missing queues. An error when it has given up.
    pub(super) async fn run(mut self) -> Result<(), String> {
        let mut pauses = self.pauses();
        while !self.control.quiet.is_cancelled() {
            if self.missing.len() >= self.listener.settings.queues.len() {
                self.missing.clear();
            }
            let ended = self.turn(&mut pauses).await;
            self.permit = None;
            self.control.leave();
            let state = match ended {
                Ended::Quiet => break,
                Ended::OneMissing => continue,
                Ended::GivenUp(cause) => return Err(cause),
                Ended::Lost(cause) => ConsumerState::NoConnection(cause),
                Ended::NoQueue(cause) => ConsumerState::NoQueue(cause),
            };
            self.listener.consumer_is(self.number, state);
            let pause = pauses.next().unwrap_or(GOODBYE);
            tokio::select! {
                () = self.control.quiet.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        Ok(())
    }

    /// Jittered, from a tenth of the recovery interval up to it, for ever.
    fn pauses(&self) -> ExponentialBackoff {
        let longest = self.listener.settings.recovery_interval;
        ExponentialBuilder::default()
            .with_min_delay(longest / 10)
            .with_max_delay(longest)
            .with_factor(2.0)
            .with_jitter()
            .without_max_times()
            .build()
    }

    /// One channel, from lease to goodbye.
    async fn turn(&mut self, pauses: &mut ExponentialBackoff) -> Ended {
        let lease = tokio::select! {
            () = self.control.quiet.cancelled() => return Ended::Quiet,
            lease = self.lease() => match lease {
                Ok(lease) => lease,
                Err(cause) if self.listener.connection().state().borrow().is_ended() => {
                    return Ended::GivenUp(cause);
                }
                Err(cause) => return Ended::Lost(cause),
            },
        };
        let session = Session::new(
            (*lease).clone(),
            Arc::clone(&self.listener.settings),
            Arc::clone(&self.listener.counters),
            Arc::clone(&self.listener.handed_back),
            self.number,
        );
        // Last of all, however the turn ends.
        let _occupied = session.inbox.occupied();
        self.control.enter(&session);
        let ended = match self.subscribe(&session).await {
            Ok(()) => {
                *pauses = self.pauses();
                self.listener
                    .consumer_is(self.number, ConsumerState::Consuming);
                // A stop that came before the session could be seen has quieted nothing.
                if self.control.quiet.is_cancelled() {
                    session.quiet(Deadline::after(GOODBYE)).await;
                }
                if self.listener.settings.no_ack() {
                    let served = self.serve(&session);
                    tokio::select! {
                        ended = served => ended,
                        () = session.hold_back() => Ended::Quiet,
                    }
                } else {
                    self.serve(&session).await
                }
            }
            Err(ended) => ended,
        };
        self.goodbye(&session, lease).await;
        ended
    }

    async fn lease(&self) -> Result<ChannelLease, String> {
        let deadline = Deadline::after(self.listener.settings.start_timeout);
        let connection = self.listener.connection();
        connection
            .lease(deadline)
            .await
            .map_err(|error| error.to_string())
    }

    /// Consumes what is there of the listener's queues. A missing one ends the channel; its owner may declare it
    /// again before the next try.
    async fn subscribe(&mut self, session: &Arc<Session>) -> Result<(), Ended> {
        let Err(Refused { queue, error }) = session.subscribe(&self.missing).await else {
            return Ok(());
        };
        let name = &self.listener.settings.queues[queue];
        match error.kind {
            TransportErrorKind::ChannelClosed(code) => {
                tracing::warn!(listener = %self.listener.settings.id, queue = %name, %error,
                    "a listener's queue cannot be consumed; it is tried again");
                if code == 404 {
                    self.listener.declare_again(name).await;
                }
                self.missing.push(queue);
                if self.missing.len() < self.listener.settings.queues.len() {
                    return Err(Ended::OneMissing);
                }
                Err(Ended::NoQueue(error.to_string()))
            }
            _ => Err(Ended::Lost(error.to_string())),
        }
    }

    /// Cancels and hands back, proves that the broker has read every settlement, and closes the channel. What is unsettled
    /// goes back.
    async fn goodbye(&self, session: &Session, lease: ChannelLease) {
        let deadline = Deadline::after(GOODBYE);
        session.leave(deadline).await;
        if session.channel.close_cause().is_none()
            && session.channel.unproven() > 0
            && let Err(error) = session.channel.round_trip(deadline).await
        {
            tracing::warn!(listener = %self.listener.settings.id, %error,
                "the last acknowledgements of a listener are not proven; the broker may deliver them again");
        }
        // What the broker may not have read comes again, although it was settled.
        self.listener.counters.unproven(session.channel.unproven());
        let no_ack = self.listener.settings.no_ack();
        if self.control.kill.is_cancelled() && !no_ack {
            // The stop's time is over before they could be handed back: the channel's end does it.
            for delivery in session.inbox.peek_unstarted() {
                self.listener.cut_off(Some(delivery));
            }
        }
        lease.close(deadline).await;
        if no_ack {
            // Lost. Only now, because the broker sends until it has read the close.
            for delivery in session.inbox.take_back(0, |_| true) {
                self.listener.cut_off(Some(Started::of(&delivery)));
                self.listener.counters.forgotten(1);
            }
        }
    }
}
