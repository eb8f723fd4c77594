//! What is to happen at a time: expiry of messages and of queues, delayed faults.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::ids::QueueId;
use super::state::{At, State};

/// What is due.
#[derive(Debug)]
pub(crate) enum Due {
    /// The head of a queue may have expired.
    Messages(QueueId),
    /// A queue may have been unused for its `x-expires`.
    Queue(QueueId),
    /// Dead letters that found no queue are tried again.
    DeadLetters(QueueId),
    /// A delayed confirm.
    Confirm(At, u64),
}

/// Everything due, by time on the broker's clock.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_time: BTreeMap<(u64, u64), Due>,
    set: u64,
    /// Wakes the clock task when the earliest time changed.
    pub(crate) wake: Arc<Notify>,
}

impl Timers {
    /// Sets a timer for the millisecond `at`.
    pub(crate) fn set(&mut self, at: u64, due: Due) {
        self.set += 1;
        let earliest = self.by_time.first_key_value().map(|((time, _), _)| *time);
        self.by_time.insert((at, self.set), due);
        if earliest.is_none_or(|earliest| at < earliest) {
            self.wake.notify_one();
        }
    }

    fn next(&self) -> Option<u64> {
        self.by_time.first_key_value().map(|((time, _), _)| *time)
    }

    fn take_due(&mut self, now: u64) -> Option<Due> {
        let entry = self.by_time.first_entry()?;
        if entry.key().0 <= now {
            Some(entry.remove())
        } else {
            None
        }
    }
}

impl State {
    fn run_due(&mut self) {
        self.refresh_clock();
        let now = self.now();
        while let Some(due) = self.timers.take_due(now) {
            match due {
                Due::Messages(queue) => self.head_timer_fired(queue),
                Due::Queue(queue) => self.delete_if_unused(queue),
                Due::DeadLetters(queue) => self.retry_dead_letters(queue),
                Due::Confirm(at, tag) => {
                    self.confirm(at, tag, false);
                    self.end_batch(at.connection);
                }
            }
            self.end_operation();
        }
    }
}

/// Runs timers until it is aborted.
pub(crate) async fn run_clock(state: Arc<Mutex<State>>) {
    let wake = state.lock().timers.wake.clone();
    loop {
        let wait = {
            let mut state = state.lock();
            state.run_due();
            let now = state.now();
            state
                .timers
                .next()
                .map(|next| Duration::from_millis(next.saturating_sub(now)))
        };
        match wait {
            // One millisecond more, so that the whole millisecond is over when it fires.
            Some(wait) => tokio::select! {
                () = tokio::time::sleep(wait + Duration::from_millis(1)) => {}
                () = wake.notified() => {}
            },
            None => wake.notified().await,
        }
    }
}
