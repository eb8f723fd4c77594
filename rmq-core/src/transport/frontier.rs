//! Which acknowledgements go out, and whether one may stand for many.
//!
//! RabbitMQ keeps the unacknowledged deliveries of a channel in one list. A cumulative ack takes all up to its tag
//! out of it; one whose tag is not in the list is an error that closes the channel. So a cumulative ack names a tag
//! that is itself unsettled on the wire, and no unfinished delivery lies below it. Rejects leave at once, before any
//! ack that spans them. No-ack deliveries have tags and are never in the list.

use super::Stale;
use super::tags::Tags;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// With its handler, or on the way there.
    Unfinished,
    /// Finished with success; its ack has not been written.
    Finished,
}

/// One channel's deliveries that are unsettled on the wire.
#[derive(Debug, Default)]
pub(super) struct Frontier {
    deliveries: Tags<State>,
    /// What finished since the last gathering.
    finished: Vec<u64>,
    last: u64,
}

/// A delivery tag that does not rise: the broker and we disagree about the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TagOutOfOrder;

impl Frontier {
    /// A delivery or a fetched message has come.
    pub(super) fn delivered(&mut self, tag: u64, no_ack: bool) -> Result<(), TagOutOfOrder> {
        // Never in the list, so its tag says nothing; replies over direct reply-to all come with the same one.
        if no_ack {
            return Ok(());
        }
        if tag <= self.last {
            return Err(TagOutOfOrder);
        }
        self.last = tag;
        self.deliveries.push(tag, State::Unfinished);
        Ok(())
    }

    /// To be acknowledged with the next gathering.
    pub(super) fn finish(&mut self, tag: u64) -> Result<(), Stale> {
        match self.deliveries.get_mut(tag) {
            Some(state @ State::Unfinished) => {
                *state = State::Finished;
                self.finished.push(tag);
                Ok(())
            }
            _ => Err(Stale),
        }
    }

    /// Settled by a frame of its own, which the caller writes now.
    pub(super) fn settle_alone(&mut self, tag: u64) -> Result<(), Stale> {
        match self.deliveries.get_mut(tag) {
            Some(State::Unfinished) => {
                self.deliveries.take(tag);
                Ok(())
            }
            _ => Err(Stale),
        }
    }

    /// How many wait to be gathered.
    pub(super) fn finished(&self) -> u64 {
        self.finished.len() as u64
    }

    /// Turns all that finished into as few acks as is safe: `(tag, multiple)`. Gives how many deliveries they settle.
    pub(super) fn gather(&mut self, mut ack: impl FnMut(u64, bool)) -> u64 {
        let settled = self.finished();
        let mut below = None;
        let mut count = 0;
        while let Some((tag, State::Finished)) = self.deliveries.first() {
            self.deliveries.pop_first();
            below = Some(tag);
            count += 1;
        }
        if let Some(tag) = below {
            ack(tag, count > 1);
        }
        // Behind an unfinished one: each by itself.
        for tag in self.finished.drain(..) {
            if below.is_none_or(|below| tag > below) {
                self.deliveries.take(tag);
                ack(tag, false);
            }
        }
        settled
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn gathered(frontier: &mut Frontier) -> Vec<(u64, bool)> {
        let mut acks = Vec::new();
        frontier.gather(|tag, multiple| acks.push((tag, multiple)));
        acks
    }

    fn with_deliveries(count: u64) -> Frontier {
        let mut frontier = Frontier::default();
        (1..=count).for_each(|tag| frontier.delivered(tag, false).unwrap());
        frontier
    }

    #[test]
    fn one_ack_stands_for_all_that_finished_below_the_first_unfinished() {
        let mut frontier = with_deliveries(5);
        for tag in [2, 1, 3, 5] {
            frontier.finish(tag).unwrap();
        }
        assert_eq!(gathered(&mut frontier), [(3, true), (5, false)]);
        frontier.finish(4).unwrap();
        assert_eq!(gathered(&mut frontier), [(4, false)]);
    }

    #[test]
    fn a_cumulative_ack_never_names_a_tag_that_is_settled_already() {
        let mut frontier = with_deliveries(2);
        frontier.finish(2).unwrap();
        assert_eq!(gathered(&mut frontier), [(2, false)]);
        frontier.finish(1).unwrap();
        assert_eq!(gathered(&mut frontier), [(1, false)]);
    }

    #[test]
    fn a_delivery_is_settled_once() {
        let mut frontier = with_deliveries(2);
        frontier.finish(1).unwrap();
        assert_eq!(frontier.finish(1), Err(Stale));
        assert_eq!(frontier.settle_alone(1), Err(Stale));
        frontier.settle_alone(2).unwrap();
        assert_eq!(frontier.finish(2), Err(Stale));
        assert_eq!(frontier.finish(3), Err(Stale));
        assert_eq!(frontier.delivered(2, false), Err(TagOutOfOrder));
        assert_eq!(
            frontier.delivered(2, true),
            Ok(()),
            "replies over direct reply-to repeat their tag"
        );
    }

    /// What may happen on a channel. Consumers and gets share its tags.
    #[derive(Debug, Clone)]
    enum Event {
        Deliver { no_ack: bool },
        Ack(prop::sample::Index),
        Reject(prop::sample::Index),
        Write,
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let event = prop_oneof![
            4 => prop::bool::weighted(0.2).prop_map(|no_ack| Event::Deliver { no_ack }),
            4 => any::<prop::sample::Index>().prop_map(Event::Ack),
            1 => any::<prop::sample::Index>().prop_map(Event::Reject),
            2 => Just(Event::Write),
        ];
        prop::collection::vec(event, 0..400)
    }

    /// RabbitMQ's list of unacknowledged tags: an ack or a reject of a tag that is not there closes the channel (406).
    #[derive(Default)]
    struct Broker {
        unacked: BTreeSet<u64>,
        acked: BTreeSet<u64>,
        rejected: BTreeSet<u64>,
    }

    impl Broker {
        fn ack(&mut self, tag: u64, multiple: bool) {
            assert!(
                self.unacked.contains(&tag),
                "406 unknown delivery tag {tag}"
            );
            let all: Vec<u64> = if multiple {
                self.unacked.range(..=tag).copied().collect()
            } else {
                vec![tag]
            };
            for tag in all {
                self.unacked.remove(&tag);
                self.acked.insert(tag);
            }
        }

        fn reject(&mut self, tag: u64) {
            assert!(self.unacked.remove(&tag), "406 unknown delivery tag {tag}");
            self.rejected.insert(tag);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

        /// Several consumers, gets, rejects and no-ack tags on one channel: never a 406, and never an ack of
        /// something unfinished.
        #[test]
        fn the_broker_agrees_with_every_frame(events in events()) {
            let (mut broker, mut frontier) = (Broker::default(), Frontier::default());
            let mut unfinished: Vec<u64> = Vec::new();
            let mut finished = BTreeSet::new();
            let mut rejected = BTreeSet::new();
            let mut next = 1;
            for event in events {
                match event {
                    Event::Deliver { no_ack } => {
                        frontier.delivered(next, no_ack).unwrap();
                        if !no_ack {
                            broker.unacked.insert(next);
                            unfinished.push(next);
                        }
                        next += 1;
                    }
                    Event::Ack(index) if !unfinished.is_empty() => {
                        let tag = unfinished.swap_remove(index.index(unfinished.len()));
                        frontier.finish(tag).unwrap();
                        finished.insert(tag);
                    }
                    Event::Reject(index) if !unfinished.is_empty() => {
                        let tag = unfinished.swap_remove(index.index(unfinished.len()));
                        frontier.settle_alone(tag).unwrap();
                        broker.reject(tag);
                        rejected.insert(tag);
                    }
                    Event::Ack(_) | Event::Reject(_) => {}
                    Event::Write => {
                        frontier.gather(|tag, multiple| broker.ack(tag, multiple));
                        prop_assert_eq!(&broker.acked, &finished);
                    }
                }
            }
            frontier.gather(|tag, multiple| broker.ack(tag, multiple));
            prop_assert_eq!(&broker.acked, &finished);
            prop_assert_eq!(&broker.rejected, &rejected);
            prop_assert_eq!(broker.unacked.into_iter().collect::<Vec<_>>(), { unfinished.sort_unstable(); unfinished });
        }
    }
}
