//! Things numbered by a channel: publishes by their tag, deliveries by theirs.

use std::collections::VecDeque;

/// Live things in the order of their tags. Nearly all leave at the front; a few that stay behind cost no more
/// than themselves, however far the tags have run ahead.
#[derive(Debug)]
pub(super) struct Tags<T> {
    /// Tags rise. `None` has left; the front is never `None`.
    entries: VecDeque<(u64, Option<T>)>,
    live: usize,
}

/// Dead entries between live ones are swept when they are more than the live ones by this factor ...
const SWEEP_FACTOR: usize = 4;
/// ... and there are at least so many entries.
const SWEEP_FROM: usize = 1024;

impl<T> Default for Tags<T> {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            live: 0,
        }
    }
}

impl<T> Tags<T> {
    /// Enters a thing under a tag above all before it.
    pub(super) fn push(&mut self, tag: u64, thing: T) {
        debug_assert!(self.entries.back().is_none_or(|(last, _)| *last < tag));
        self.entries.push_back((tag, Some(thing)));
        self.live += 1;
    }

    /// Takes back the newest, if it is `tag`.
    pub(super) fn unpush(&mut self, tag: u64) {
        if self.entries.back().is_some_and(|(last, _)| *last == tag)
            && self
                .entries
                .pop_back()
                .is_some_and(|(_, thing)| thing.is_some())
        {
            self.live -= 1;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.live
    }

    fn position(&self, tag: u64) -> Option<usize> {
        let front = self.entries.front()?.0;
        // Without a sweep in between, tags are consecutive, and the place follows from the tag.
        let guess = usize::try_from(tag.checked_sub(front)?).ok()?;
        if self.entries.get(guess).is_some_and(|(at, _)| *at == tag) {
            return Some(guess);
        }
        self.entries.binary_search_by_key(&tag, |(at, _)| *at).ok()
    }

    pub(super) fn get_mut(&mut self, tag: u64) -> Option<&mut T> {
        let at = self.position(tag)?;
        self.entries.get_mut(at)?.1.as_mut()
    }

    /// The first live one that is wanted: above `behind`, and if there is none, of all.
    pub(super) fn find(&self, behind: u64, wanted: impl Fn(&T) -> bool) -> Option<u64> {
        let start = self.entries.partition_point(|(tag, _)| *tag <= behind);
        let (before, after) = (self.entries.range(..start), self.entries.range(start..));
        after
            .chain(before)
            .find(|(_, thing)| thing.as_ref().is_some_and(&wanted))
            .map(|(tag, _)| *tag)
    }

    /// Takes one out.
    pub(super) fn take(&mut self, tag: u64) -> Option<T> {
        let at = self.position(tag)?;
        let thing = self.entries.get_mut(at)?.1.take()?;
        self.live -= 1;
        self.tidy();
        Some(thing)
    }

    /// The lowest live one.
    pub(super) fn first(&self) -> Option<(u64, &T)> {
        let (tag, thing) = self.entries.front()?;
        Some((*tag, thing.as_ref()?))
    }

    /// Takes out the lowest live one.
    pub(super) fn pop_first(&mut self) -> Option<(u64, T)> {
        let (tag, thing) = self.entries.pop_front()?;
        self.live -= 1;
        self.tidy();
        Some((tag, thing?))
    }

    /// Takes out everything, in order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (u64, T)> + use<T> {
        self.live = 0;
        std::mem::take(&mut self.entries)
            .into_iter()
            .filter_map(|(tag, thing)| Some((tag, thing?)))
    }

    fn tidy(&mut self) {
        while self
            .entries
            .front()
            .is_some_and(|(_, thing)| thing.is_none())
        {
            self.entries.pop_front();
        }
        if self.entries.len() >= SWEEP_FROM && self.entries.len() > self.live * SWEEP_FACTOR {
            self.entries.retain(|(_, thing)| thing.is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_stays_behind_costs_no_more_than_itself() {
        let mut tags = Tags::default();
        tags.push(1, ());
        for tag in 2..100_000 {
            tags.push(tag, ());
            assert_eq!(tags.take(tag), Some(()));
        }
        assert!(tags.entries.len() <= SWEEP_FROM);
        assert_eq!(tags.first(), Some((1, &())));
        tags.push(100_000, ());
        assert_eq!(tags.take(100_000), Some(()));
        assert_eq!(tags.take(1), Some(()));
        assert_eq!((tags.len(), tags.entries.len()), (0, 0));
    }
}
