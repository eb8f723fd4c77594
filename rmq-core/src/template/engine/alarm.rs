//! Deadlines and pauses. Costs a publish one comparison; scans only when the earliest deadline has come.

use std::mem;
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
use super::flight::Flight;
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
    delayed: Mutex<Pauses>,
}

/// See [`Delayed`].
#[derive(Debug, Default)]
struct Pauses {
    delayed: Vec<Delayed>,
    /// The engine has stopped: nothing will be sent again.
    ended: bool,
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

    /// Keeps a message until its pause is over; gives it back when the engine has stopped.
    pub(super) fn delay(&self, delayed: Delayed) -> Result<(), Delayed> {
        let due = delayed.due;
        {
            let mut pauses = self.delayed.lock();
            if pauses.ended {
                return Err(delayed);
            }
            pauses.delayed.push(delayed);
        }
        self.wake_by(due);
        Ok(())
    }

    fn take_due(&self, now: Instant) -> Vec<Delayed> {
        let mut pauses = self.delayed.lock();
        let all = mem::take(&mut pauses.delayed);
        let (due, rest) = all.into_iter().partition(|delayed| delayed.due <= now);
        pauses.delayed = rest;
        due
    }

    /// The engine has stopped: everything that pauses, and nothing pauses any more.
    pub(super) fn end(&self) -> Vec<Delayed> {
        let mut pauses = self.delayed.lock();
        pauses.ended = true;
        mem::take(&mut pauses.delayed)
    }

    fn next_due(&self) -> Option<Instant> {
        let pauses = self.delayed.lock();
        pauses.delayed.iter().map(|delayed| delayed.due).min()
    }

    /// Waits for the moment of the next scan, and gives it: a timer may fire a fraction of a millisecond early.
    async fn ring(&self) -> Instant {
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
                    return moment.max(Instant::now());
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
            now = engine.alarm.ring() => engine.sweep(now),
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
            next = earliest(next, self.send_due(due, &mut tally));
        }
        self.apply(&mut tally);
        if let Some(moment) = earliest(next, self.alarm.next_due()) {
            self.alarm.wake_by(moment);
        }
    }

    /// Puts those whose pause is over in front of what waits. Gives the earliest of their deadlines.
    fn send_due(&self, due: Vec<Delayed>, tally: &mut Tally) -> Option<Instant> {
        let mut next = None;
        let mut gate = self.gate.lock();
        // Each goes to the front: the oldest last, so that it is the first.
        for delayed in due.into_iter().rev() {
            if gate.stopped {
                self.tell_stopped(&delayed.entry, tally);
            } else {
                next = earliest(next, Some(delayed.entry.deadline));
                gate.take_back(delayed.entry, delayed.alone);
            }
        }
        drop(gate);
        self.work.notify_one();
        next
    }

    /// Pauses a message before it is sent again; tells it when the engine has stopped.
    pub(super) fn delay(&self, delayed: Delayed, tally: &mut Tally) {
        if let Err(delayed) = self.alarm.delay(delayed) {
            self.tell_stopped(&delayed.entry, tally);
        }
    }

    fn tell_stopped(&self, entry: &Arc<Entry>, tally: &mut Tally) {
        tally.slots += 1;
        let cause = ByteString::from_static("this program stopped before it was sent again");
        self.tell_without_verdict(entry, RefusedReason::ShuttingDown, &cause, tally);
    }

    fn sweep_flight_and_backlog(&self, now: Instant, tally: &mut Tally) -> Option<Instant> {
        let mut next = None;
        // Under the gate's lock nothing moves between backlog and channel: none is missed.
        let mut gate = self.gate.lock();
        let (lost, trouble) = (self.lost.lock().clone(), self.trouble.lock().clone());
        let mut expired_suspects = 0;
        let suspects = gate.suspects;
        let mut index = 0;
        gate.backlog.retain(|entry| {
            let expired = entry.deadline <= now;
            if expired {
                let cause = no_channel(entry, &lost, &trouble);
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
        let Some(flight) = gate
            .current
            .as_ref()
            .map(|current| Arc::clone(&current.flight))
        else {
            return next;
        };
        let cause = ByteString::from_static("no verdict came until its deadline");
        let mut expired = 0;
        for entry in flight.all() {
            if entry.deadline <= now {
                self.tell_without_verdict(&entry, RefusedReason::NotConnected, &cause, tally);
                expired += 1;
            } else {
                next = earliest(next, Some(entry.deadline));
            }
        }
        // A channel that keeps so much to itself is not worth waiting for.
        let most = self.window.most_messages().div_ceil(2);
        let stalled = self.stalls_at(&flight);
        let is_stalled = stalled.is_some_and(|moment| moment <= now);
        if !is_stalled {
            next = earliest(next, stalled);
        }
        if expired >= most || (expired > 0 && gate.probing) || is_stalled {
            self.replace.store(true, Ordering::Release);
            self.work.notify_one();
        }
        next
    }
}

impl Engine {
    /// When a channel on which messages wait and nothing is heard is given up: a node that has just started can take
    /// publishes to a queue without a leader and never speak of them again. Sent again on another channel they still
    /// have most of their time. A blocked broker is silent for a reason; that moment is looked for again later.
    fn stalls_at(&self, flight: &Flight) -> Option<Instant> {
        let patience = self.settings.silence_timeout?;
        let silent = flight.silent_since()?;
        if self.source.is_blocked() {
            return Some(Instant::now() + patience);
        }
        Some(silent + patience)
    }

    /// Looks again when the channel would have stalled, or at the deadline.
    pub(super) fn watch(&self, now: Instant, deadline: Instant) {
        self.alarm.wake_by(deadline);
        self.watch_silence(now);
    }

    /// Looks again when the channel would have stalled: something leaves on it now.
    pub(super) fn watch_silence(&self, now: Instant) {
        if let Some(patience) = self.settings.silence_timeout {
            self.alarm.wake_by(now + patience);
        }
    }
}

fn no_channel(entry: &Entry, lost: &ByteString, trouble: &ByteString) -> ByteString {
    if entry.progress().attempts == 0 {
        format!("there was no channel to send it on until its deadline: {trouble}").into()
    } else {
        format!("{lost}; until its deadline there was no channel to send it on again: {trouble}")
            .into()
    }
}

fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
