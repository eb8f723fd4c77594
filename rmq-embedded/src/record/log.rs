//! The record itself: a bounded list to read, count and wait on.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::event::{Event, Recorded};

/// How many events an unmet expectation shows.
const SHOWN: usize = 30;

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Recorded>,
    sequence: u64,
    dropped: u64,
}

/// Where the broker writes.
#[derive(Debug)]
pub(crate) struct Log {
    kept: Mutex<Kept>,
    capacity: usize,
    added: Notify,
}

impl Log {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            kept: Mutex::default(),
            capacity,
            added: Notify::new(),
        }
    }

    /// Whether anything is kept at all.
    pub(crate) fn is_on(&self) -> bool {
        self.capacity > 0
    }

    pub(crate) fn add(&self, connection: u64, channel: u16, event: Event) {
        let mut kept = self.kept.lock();
        kept.sequence += 1;
        if kept.events.len() >= self.capacity {
            kept.events.pop_front();
            kept.dropped += 1;
        }
        let sequence = kept.sequence;
        kept.events.push_back(Recorded {
            sequence,
            connection,
            channel,
            event,
        });
        drop(kept);
        self.added.notify_waiters();
    }
}

/// The record of a broker: everything it saw and did, in order.
///
/// It is bounded ([`crate::Builder::record_capacity`]); the oldest events go first, and [`Record::dropped`] counts them.
#[derive(Clone, Debug)]
pub struct Record {
    pub(crate) log: Arc<Log>,
}

impl Record {
    /// All events still kept, oldest first.
    pub fn events(&self) -> Vec<Recorded> {
        self.log.kept.lock().events.iter().cloned().collect()
    }

    /// How many events are no longer kept.
    pub fn dropped(&self) -> u64 {
        self.log.kept.lock().dropped
    }

    /// How many kept events satisfy `matches`.
    pub fn count(&self, matches: impl Fn(&Event) -> bool) -> usize {
        self.log
            .kept
            .lock()
            .events
            .iter()
            .filter(|one| matches(&one.event))
            .count()
    }

    /// Forgets all events so far; sequence numbers go on.
    pub fn clear(&self) {
        self.log.kept.lock().events.clear();
    }

    /// Waits until an event satisfies `matches`, and gives the first that does; one already kept counts.
    ///
    /// # Cancel safety
    ///
    /// Nothing is consumed: a dropped wait can be made again.
    ///
    /// # Errors
    ///
    /// [`Missed`] where none came within `deadline`; it shows the newest events.
    pub async fn wait_for(
        &self,
        deadline: Duration,
        matches: impl Fn(&Event) -> bool,
    ) -> Result<Recorded, Missed> {
        let find = || {
            let kept = self.log.kept.lock();
            kept.events.iter().find(|one| matches(&one.event)).cloned()
        };
        self.wait(deadline, find).await
    }

    /// Waits until at least `count` events satisfy `matches`.
    ///
    /// # Cancel safety
    ///
    /// Nothing is consumed: a dropped wait can be made again.
    ///
    /// # Errors
    ///
    /// [`Missed`] where fewer came within `deadline`; it shows the newest events.
    pub async fn wait_for_count(
        &self,
        deadline: Duration,
        count: usize,
        matches: impl Fn(&Event) -> bool,
    ) -> Result<(), Missed> {
        self.wait(deadline, || (self.count(&matches) >= count).then_some(()))
            .await
    }

    async fn wait<T>(
        &self,
        deadline: Duration,
        check: impl Fn() -> Option<T>,
    ) -> Result<T, Missed> {
        let wait = async {
            loop {
                // Registered before the check, so that nothing falls between the two.
                let added = self.log.added.notified();
                tokio::pin!(added);
                added.as_mut().enable();
                if let Some(found) = check() {
                    return found;
                }
                added.await;
            }
        };
        tokio::time::timeout(deadline, wait)
            .await
            .map_err(|_| self.missed(deadline))
    }

    fn missed(&self, deadline: Duration) -> Missed {
        let kept = self.log.kept.lock();
        let newest = kept
            .events
            .iter()
            .rev()
            .take(SHOWN)
            .rev()
            .cloned()
            .collect();
        Missed { deadline, newest }
    }
}

/// An expected event did not come in time.
#[derive(Clone)]
pub struct Missed {
    deadline: Duration,
    newest: Vec<Recorded>,
}

impl fmt::Display for Missed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "the broker saw nothing of the kind within {:?}; the newest events:",
            self.deadline
        )?;
        for one in &self.newest {
            writeln!(
                out,
                "{:>6} {}/{} {:?}",
                one.sequence, one.connection, one.channel, one.event
            )?;
        }
        Ok(())
    }
}

impl fmt::Debug for Missed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl std::error::Error for Missed {}
