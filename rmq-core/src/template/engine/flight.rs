//! The messages that are on one channel, from the bytes leaving to the verdict.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::transport::{CloseCause, Pending, PublishSink, Token, Verdict};

use super::Engine;
use super::entry::Entry;
use super::tally::Tally;

/// One channel's messages; the sink of its verdicts. A new channel has a new flight, so a token means one message.
pub(super) struct Flight {
    engine: Arc<Engine>,
    slots: Mutex<Slots>,
    /// Until when a return is tried again.
    grace_until: OnceLock<Instant>,
    closed: Mutex<Option<Closed>>,
    /// Channels with a consumer of replies that had ended before this one.
    pub(super) ended_before: u64,
    /// Whether the supervisor waits until nothing is in flight.
    idle_wanted: AtomicBool,
    /// What the supervisor waits for: the channel closed, or nothing is in flight and it wants to know.
    pub(super) changed: Notify,
    scratch: Mutex<Scratch>,
}

/// How the channel ended.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) cause: CloseCause,
    pub(super) pending: Vec<Pending>,
}

/// Kept from one batch to the next, so that a batch allocates nothing.
#[derive(Default)]
struct Scratch {
    taken: Vec<(Arc<Entry>, Verdict)>,
    tally: Tally,
}

/// Entries by token. Tokens are used again, the last freed first.
#[derive(Default)]
struct Slots {
    entries: Vec<Option<Arc<Entry>>>,
    free: Vec<usize>,
    used: usize,
    /// When the broker last gave a verdict, or the channel last went from idle to busy.
    progress: Option<Instant>,
}

impl Slots {
    fn insert(&mut self, entry: Arc<Entry>) -> Token {
        if self.used == 0 {
            self.progress = Some(Instant::now());
        }
        self.used += 1;
        let index = match self.free.pop() {
            Some(index) => {
                if let Some(slot) = self.entries.get_mut(index) {
                    *slot = Some(entry);
                }
                index
            }
            None => {
                self.entries.push(Some(entry));
                self.entries.len() - 1
            }
        };
        index as Token
    }

    fn remove(&mut self, token: Token) -> Option<Arc<Entry>> {
        let index = usize::try_from(token).ok()?;
        let entry = self.entries.get_mut(index)?.take()?;
        self.free.push(index);
        self.used -= 1;
        Some(entry)
    }
}

impl Flight {
    pub(super) fn new(engine: Arc<Engine>) -> Arc<Self> {
        Arc::new(Self {
            ended_before: engine.replies.ended(),
            engine,
            slots: Mutex::default(),
            grace_until: OnceLock::new(),
            closed: Mutex::new(None),
            idle_wanted: AtomicBool::new(false),
            changed: Notify::new(),
            scratch: Mutex::default(),
        })
    }

    /// Sets until when a return is tried again; before anything is sent.
    pub(super) fn set_grace(&self, until: Option<Instant>) {
        if let Some(until) = until {
            self.grace_until.get_or_init(|| until);
        }
    }

    pub(super) fn grace_until(&self) -> Option<Instant> {
        self.grace_until.get().copied()
    }

    /// Enters a message before its bytes leave.
    pub(super) fn insert(&self, entry: Arc<Entry>) -> Token {
        self.slots.lock().insert(entry)
    }

    pub(super) fn remove(&self, token: Token) -> Option<Arc<Entry>> {
        self.slots.lock().remove(token)
    }

    /// How many are on the channel, those whose deadline passed included.
    pub(super) fn len(&self) -> usize {
        self.slots.lock().used
    }

    /// Whether nothing is on the channel; if something is, `changed` will say when that ends.
    pub(super) fn is_idle_or_tell(&self) -> bool {
        self.idle_wanted.store(true, Ordering::Release);
        // Looked at behind the store, under the lock that the last removal held: one of the two sees the other.
        self.len() == 0
    }

    /// Since when messages wait on it without any verdict; `None` while nothing waits.
    pub(super) fn silent_since(&self) -> Option<Instant> {
        let slots = self.slots.lock();
        slots.progress.filter(|_| slots.used > 0)
    }

    /// Everything on the channel, in no order.
    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        self.slots
            .lock()
            .entries
            .iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// Empties it: everything that has no verdict, in the order it entered the window.
    pub(super) fn drain(&self) -> Vec<Arc<Entry>> {
        let slots = mem::take(&mut *self.slots.lock());
        let mut all: Vec<Arc<Entry>> = slots.entries.into_iter().flatten().collect();
        all.sort_unstable_by_key(|entry| entry.sequence);
        all
    }

    /// How the channel ended, once.
    pub(super) fn take_closed(&self) -> Option<Closed> {
        self.closed.lock().take()
    }
}

impl PublishSink for Flight {
    fn settled(&self, verdicts: &mut Vec<(Token, Verdict)>) {
        let Scratch {
            mut taken,
            mut tally,
        } = mem::take(&mut *self.scratch.lock());
        let empty = {
            let mut slots = self.slots.lock();
            slots.progress = Some(Instant::now());
            for (token, verdict) in verdicts.drain(..) {
                match slots.remove(token) {
                    Some(entry) => taken.push((entry, verdict)),
                    None => tally.counts.late_verdicts += 1,
                }
            }
            slots.used == 0
        };
        for (entry, verdict) in taken.drain(..) {
            self.engine
                .settle(entry, verdict, self.grace_until(), &mut tally);
        }
        self.engine.apply(&mut tally);
        *self.scratch.lock() = Scratch { taken, tally };
        if empty && self.idle_wanted.swap(false, Ordering::AcqRel) {
            self.changed.notify_one();
        }
    }

    fn closed(&self, cause: &CloseCause, pending: Vec<Pending>) {
        *self.closed.lock() = Some(Closed {
            cause: cause.clone(),
            pending,
        });
        self.changed.notify_one();
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight")
            .field("messages", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::template::engine::test_entry;

    #[test]
    fn a_token_gives_its_entry_back_once() {
        let mut slots = Slots::default();
        let tokens: Vec<Token> = (0..3).map(|n| slots.insert(test_entry(n))).collect();
        assert_eq!(tokens, [0, 1, 2]);
        assert_eq!(slots.remove(1).unwrap().sequence, 1);
        assert!(slots.remove(1).is_none());
        assert!(slots.remove(9).is_none());
        assert_eq!(
            slots.insert(test_entry(3)),
            1,
            "the free slot is used again"
        );
        assert_eq!(slots.used, 3);
    }
}
