//! The messages of a queue that wait for a consumer, in order, by priority where the queue has priorities.

use std::collections::VecDeque;

use super::message::Entry;

/// Waiting messages; the highest priority goes first, within one priority the lowest position.
#[derive(Debug)]
pub(crate) struct Ready {
    levels: Vec<VecDeque<Entry>>,
    length: usize,
    body_bytes: usize,
}

impl Ready {
    /// With priorities 0 to `max_priority`.
    pub(crate) fn new(max_priority: u8) -> Self {
        let levels = (0..=max_priority).map(|_| VecDeque::new()).collect();
        Self {
            levels,
            length: 0,
            body_bytes: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Bytes of all waiting bodies: what `x-max-length-bytes` limits.
    pub(crate) fn body_bytes(&self) -> usize {
        self.body_bytes
    }

    fn level(&mut self, priority: u8) -> Option<&mut VecDeque<Entry>> {
        let top = self.levels.len().saturating_sub(1);
        self.levels.get_mut(usize::from(priority).min(top))
    }

    /// Adds a message behind those of its priority.
    pub(crate) fn push(&mut self, entry: Entry) {
        self.length += 1;
        self.body_bytes += entry.message.body().len();
        if let Some(level) = self.level(entry.message.priority) {
            level.push_back(entry);
        }
    }

    /// Puts a message back where its position says.
    pub(crate) fn put_back(&mut self, entry: Entry) {
        self.length += 1;
        self.body_bytes += entry.message.body().len();
        if let Some(level) = self.level(entry.message.priority) {
            let at = level.partition_point(|other| other.position < entry.position);
            level.insert(at, entry);
        }
    }

    /// Takes the message that goes next.
    pub(crate) fn pop(&mut self) -> Option<Entry> {
        let entry = self.levels.iter_mut().rev().find_map(VecDeque::pop_front)?;
        self.forget(&entry);
        Some(entry)
    }

    /// Takes the first message of any priority that expired by `now`.
    pub(crate) fn pop_expired(&mut self, now: u64) -> Option<Entry> {
        let expired = |entry: &Entry| entry.expires_at.is_some_and(|at| at <= now);
        let level = self
            .levels
            .iter_mut()
            .find(|level| level.front().is_some_and(expired))?;
        let entry = level.pop_front()?;
        self.forget(&entry);
        Some(entry)
    }

    /// When the earliest head expires.
    pub(crate) fn next_expiry(&self) -> Option<u64> {
        self.levels
            .iter()
            .filter_map(|level| level.front()?.expires_at)
            .min()
    }

    /// Takes everything, in delivery order.
    pub(crate) fn drain(&mut self) -> Vec<Entry> {
        self.length = 0;
        self.body_bytes = 0;
        self.levels
            .iter_mut()
            .rev()
            .flat_map(std::mem::take)
            .collect()
    }

    /// Keeps what `keep` says; gives the rest.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let (kept, dropped): (Vec<_>, Vec<_>) = self.drain().into_iter().partition(keep);
        for entry in kept {
            self.push(entry);
        }
        dropped
    }

    fn forget(&mut self, entry: &Entry) {
        self.length -= 1;
        self.body_bytes -= entry.message.body().len();
    }
}
