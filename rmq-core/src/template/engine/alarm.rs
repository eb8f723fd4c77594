//! Deadlines and pauses. Costs a publish one comparison; scans only when the earliest deadline has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytestring::ByteString;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::template::RefusedReason;

use super::Engine;
use super::entry::Entry;
use super::tally::Tally;

/// No deadline is near.
const NEVER: u64 = u64::MAX;

/// When to look next, and what pauses until then.
#[derive(Debug)]
pub(super) struct Alarm {
    base: Instant,
    /// Nanoseconds behind `base`.
    next: AtomicU64,
    earlier: Notify,
    delayed: Mutex<Vec<Delayed>>,
}

/// A message that pauses before it is sent again. It keeps its slot.
#[derive(Debug)]
pub(super) struct Delayed {
    pub(super) entry: Arc<Entry>,
    due: Instant,
    /// It closed a channel before: it goes alone.
    alone: bool,
}

impl Delayed {
    pub(super) fn new(entry: Arc<Entry>, pause: Duration, alone: bool) -> Self {
        Self {
            entry,
            due: Instant::now() + pause,
            alone,
        }
    }
}

impl Alarm {
    pub(super) fn new() -> Self {
        Self {
            base: Instant::now(),
            next: AtomicU64::new(NEVER),
            earlier: Notify::new(),
            delayed: Mutex::default(),
        }
    }

    /// The scan comes at this moment or before. Called once the message can be found by it.
    pub(super) fn wake_by(&self, moment: Instant) {
        let nanos = moment.saturating_duration_since(self.base).as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(NEVER - 1);
        if nanos < self.next.load(Ordering::Acquire)
            && nanos < self.next.fetch_min(nanos, Ordering::AcqRel)
        {
            self.earlier.notify_one();
        }
    }

    /// Keeps a message until its pause is over.
    pub(super) fn delay(&self, delayed: Delayed) {
        let due = delayed.due;
        self.delayed.lock().push(delayed);
        self.wake_by(due);
    }

    fn take_due(&self, now: Instant) -> Vec<Delayed> {
        let mut delayed = self.delayed.lock();
        let (due, rest) = delayed.drain(..).partition(|delayed| delayed.due <= now);
        *delayed = rest;
        due
    }

    pub(super) fn take_all(&self) -> Vec<Delayed> {
        std::mem::take(&mut *self.delayed.lock())
    }

    fn next_due(&self) -> Option<Instant> {
        self.delayed.lock().iter().map(|delayed| delayed.due).min()
    }

    /// Waits for the moment of the next scan.
    async fn ring(&self) {
        loop {
            let next = self.next.load(Ordering::Acquire);
            let earlier = self.earlier.notified();
            if next == NEVER {
                earlier.await;
                continue;
            }
            let moment = self.base + Duration::from_nanos(next);
            tokio::select! {
                () = tokio::time::sleep_until(moment) => {
                    self.next.store(NEVER, Ordering::Release);
                    return;
                }
                () = earlier => {}
            }
        }
    }
}

/// Keeps the deadlines until the engine has stopped.
pub(super) async fn run(engine: Arc<Engine>) {
    loop {
        tokio::select! {
            () = engine.stopped.cancelled() => return,
            () = engine.alarm.ring() => engine.sweep(Instant::now()),
        }
    }
}

impl Engine {
    /// Tells those whose deadline has passed, sends again those whose pause is over, and sets the alarm.
    pub(super) fn sweep(&self, now: Instant) {
        let mut tally = Tally::default();
        let mut next = self.sweep_flight_and_backlog(now, &mut tally);
        let due = self.alarm.take_due(now);
        if !due.is_empty() {
            let mut gate = self.gate.lock();
            // Each goes to the front: the oldest last, so that it is the first.
            for delayed in due.into_iter().rev() {
                next = earliest(next, Some(delayed.entry.deadline));
                gate.take_back(delayed.entry, delayed.alone);
            }
            drop(gate);
            self.work.notify_one();
        }
        self.apply(&mut tally);
        if let Some(moment) = earliest(next, self.alarm.next_due()) {
            self.alarm.wake_by(moment);
        }
    }

    fn sweep_flight_and_backlog(&self, now: Instant, tally: &mut Tally) -> Option<Instant> {
        let mut next = None;
        // Under the gate's lock nothing moves between backlog and channel: none is missed.
        let mut gate = self.gate.lock();
        let trouble = self.trouble.lock().clone();
        let mut expired_suspects = 0;
        let suspects = gate.suspects;
        let mut index = 0;
        gate.backlog.retain(|entry| {
            let expired = entry.deadline <= now;
            if expired {
                let cause = not_sent(&trouble);
                self.tell_without_verdict(entry, RefusedReason::NotConnected, &cause, tally);
                tally.slots += 1;
                expired_suspects += usize::from(index < suspects);
            } else {
                next = earliest(next, Some(entry.deadline));
            }
            index += 1;
            !expired
        });
        gate.suspects -= expired_suspects;
        let Some(flight) = gate.current.as_ref().map(|current| Arc::clone(&current.flight)) else {
            return next;
        };
        let cause = ByteString::from_static("no verdict came until its deadline");
        let mut expired = 0;
        for entry in flight.pick(|_| true) {
            if entry.deadline <= now {
                self.tell_without_verdict(&entry, RefusedReason::NotConnected, &cause, tally);
                expired += 1;
            } else {
                next = earliest(next, Some(entry.deadline));
            }
        }
        // A channel that keeps so much to itself is not worth waiting for.
        let most = self.window.most_messages().div_ceil(2);
        if expired >= most || (expired > 0 && gate.probing) {
            self.replace
                .store(true, std::sync::atomic::Ordering::Release);
            self.work.notify_one();
        }
        next
    }
}

fn not_sent(trouble: &ByteString) -> ByteString {
    format!("there was no channel to send it on until its deadline: {trouble}").into()
}

fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
