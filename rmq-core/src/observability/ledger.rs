use std::fmt;

use parking_lot::Mutex;

use crate::message::PublishOutcome;

/// What became of every message sent. `sent` is the sum of the five outcomes and `in_flight`, at every moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PublishCounts {
    /// Messages that entered the window or were refused before it.
    pub sent: u64,
    /// The broker has them, in a queue.
    pub confirmed: u64,
    /// No queue took them.
    pub returned: u64,
    /// A queue refused them.
    pub nacked: u64,
    /// Refused by us, or by the broker with an error.
    pub refused: u64,
    /// Nobody knows.
    pub unknown: u64,
    /// Not settled yet.
    pub in_flight: u64,
    /// Copies: publishes behind a message's first.
    pub copies: u64,
    /// Verdicts that came after the message's deadline; they change nothing told.
    pub late_verdicts: u64,
    /// Confirm and return callbacks that panicked or were dropped at their deadline.
    pub failed_callbacks: u64,
    /// Replies that came after their request's deadline.
    pub late_replies: u64,
}

impl PublishCounts {
    /// Whether the sum adds up. False is a bug of this crate.
    #[must_use]
    pub const fn adds_up(&self) -> bool {
        let told = self.confirmed + self.returned + self.nacked + self.refused + self.unknown;
        self.sent == told + self.in_flight
    }

    /// Counts one more end.
    pub const fn count(&mut self, outcome: PublishOutcome) {
        match outcome {
            PublishOutcome::Confirmed => self.confirmed += 1,
            PublishOutcome::Returned => self.returned += 1,
            PublishOutcome::Nacked => self.nacked += 1,
            PublishOutcome::Refused => self.refused += 1,
            PublishOutcome::Unknown => self.unknown += 1,
        }
    }
}

impl fmt::Display for PublishCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "sent {} = confirmed {} + returned {} + nacked {} + refused {} + unknown {} + in flight {} \
             (copies {}, late verdicts {})",
            self.sent,
            self.confirmed,
            self.returned,
            self.nacked,
            self.refused,
            self.unknown,
            self.in_flight,
            self.copies,
            self.late_verdicts,
        )
    }
}

/// Counts what is sent. One lock, held for a few additions, once for each batch of verdicts.
#[derive(Debug, Default)]
pub struct PublishLedger(Mutex<PublishCounts>);

impl PublishLedger {
    /// The counts at this moment, consistent with each other.
    #[must_use]
    pub fn counts(&self) -> PublishCounts {
        *self.0.lock()
    }

    /// A message enters the window.
    pub fn enter(&self) {
        let mut counts = self.0.lock();
        counts.sent += 1;
        counts.in_flight += 1;
    }

    /// A message was refused before it entered the window.
    pub fn refuse(&self) {
        let mut counts = self.0.lock();
        counts.sent += 1;
        counts.refused += 1;
    }

    /// Messages in flight have ended: the five outcomes of `ended` leave `in_flight`, the rest is added. Gives
    /// what is still in flight.
    pub fn settle(&self, ended: &PublishCounts) -> u64 {
        let mut counts = self.0.lock();
        counts.confirmed += ended.confirmed;
        counts.returned += ended.returned;
        counts.nacked += ended.nacked;
        counts.refused += ended.refused;
        counts.unknown += ended.unknown;
        counts.copies += ended.copies;
        counts.late_verdicts += ended.late_verdicts;
        counts.failed_callbacks += ended.failed_callbacks;
        counts.late_replies += ended.late_replies;
        let left = ended.confirmed + ended.returned + ended.nacked + ended.refused + ended.unknown;
        // Wraps only if a message ended twice; `adds_up` then says so instead of a panic in the reader.
        counts.in_flight = counts.in_flight.wrapping_sub(left);
        counts.in_flight
    }
}

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryEnd {
    /// Its handler succeeded, and so did its reply if it had one.
    Acknowledged,
    /// Rejected: the broker moves it to the dead-letter queue.
    DeadLettered,
    /// Published again to a queue where a person can see it, then acknowledged.
    Parked,
    /// Handed back by us.
    Requeued,
    /// Its channel died before it was settled: the broker delivers it again.
    LeftToBroker,
}

impl DeliveryEnd {
    /// The end in words, for logs and spans.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::DeadLettered => "dead-lettered",
            Self::Parked => "parked",
            Self::Requeued => "requeued",
            Self::LeftToBroker => "left to the broker",
        }
    }
}

/// What became of every message delivered. `delivered` is the sum of the five ends and `in_flight`, at every moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeliveryCounts {
    /// Messages the broker handed over.
    pub delivered: u64,
    /// See [`DeliveryEnd::Acknowledged`].
    pub acknowledged: u64,
    /// See [`DeliveryEnd::DeadLettered`].
    pub dead_lettered: u64,
    /// See [`DeliveryEnd::Parked`].
    pub parked: u64,
    /// See [`DeliveryEnd::Requeued`].
    pub requeued: u64,
    /// See [`DeliveryEnd::LeftToBroker`].
    pub left_to_broker: u64,
    /// Not settled yet.
    pub in_flight: u64,
    /// Acks that were written but not followed by anything that proves them, when their channel died.
    pub unproven_acks: u64,
    /// Attempts behind a message's first in this process.
    pub retries: u64,
    /// Settlements that came too late for their channel, or a second time; not sent.
    pub stale_settlements: u64,
}

impl DeliveryCounts {
    /// Whether the sum adds up. False is a bug of this crate.
    #[must_use]
    pub const fn adds_up(&self) -> bool {
        let ended = self.acknowledged
            + self.dead_lettered
            + self.parked
            + self.requeued
            + self.left_to_broker;
        self.delivered == ended + self.in_flight
    }
}

impl fmt::Display for DeliveryCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "delivered {} = acknowledged {} + dead-lettered {} + parked {} + requeued {} + left to the broker {} \
             + in flight {} (unproven acks {}, retries {})",
            self.delivered,
            self.acknowledged,
            self.dead_lettered,
            self.parked,
            self.requeued,
            self.left_to_broker,
            self.in_flight,
            self.unproven_acks,
            self.retries,
        )
    }
}

/// Counts what is delivered.
#[derive(Debug, Default)]
pub struct DeliveryLedger(Mutex<DeliveryCounts>);

impl DeliveryLedger {
    /// The counts at this moment, consistent with each other.
    #[must_use]
    pub fn counts(&self) -> DeliveryCounts {
        *self.0.lock()
    }

    /// The broker handed over so many.
    pub fn delivered(&self, messages: u64) {
        let mut counts = self.0.lock();
        counts.delivered += messages;
        counts.in_flight += messages;
    }

    /// So many ended like this.
    pub fn ended(&self, end: DeliveryEnd, messages: u64) {
        let mut counts = self.0.lock();
        let place = match end {
            DeliveryEnd::Acknowledged => &mut counts.acknowledged,
            DeliveryEnd::DeadLettered => &mut counts.dead_lettered,
            DeliveryEnd::Parked => &mut counts.parked,
            DeliveryEnd::Requeued => &mut counts.requeued,
            DeliveryEnd::LeftToBroker => &mut counts.left_to_broker,
        };
        *place += messages;
        // Wraps only if a delivery ended twice; `adds_up` then says so.
        counts.in_flight = counts.in_flight.wrapping_sub(messages);
    }

    /// Adds what is counted apart.
    pub fn apart(&self, unproven_acks: u64, retries: u64, stale_settlements: u64) {
        let mut counts = self.0.lock();
        counts.unproven_acks += unproven_acks;
        counts.retries += retries;
        counts.stale_settlements += stale_settlements;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sent_is_the_sum_of_the_outcomes_and_in_flight() {
        let ledger = PublishLedger::default();
        for _ in 0..5 {
            ledger.enter();
        }
        ledger.refuse();
        let mut ended = PublishCounts::default();
        for outcome in [
            PublishOutcome::Confirmed,
            PublishOutcome::Returned,
            PublishOutcome::Nacked,
            PublishOutcome::Unknown,
        ] {
            ended.count(outcome);
        }
        assert_eq!(ledger.settle(&ended), 1);
        let counts = ledger.counts();
        assert!(counts.adds_up());
        assert_eq!((counts.sent, counts.in_flight), (6, 1));
    }

    #[test]
    fn a_message_that_ends_twice_does_not_add_up() {
        let ledger = PublishLedger::default();
        ledger.enter();
        let mut ended = PublishCounts::default();
        ended.count(PublishOutcome::Confirmed);
        let _ = ledger.settle(&ended);
        let _ = ledger.settle(&ended);
        let counts = ledger.counts();
        assert_ne!(counts.in_flight, 0, "nothing hides it: {counts}");
    }

    #[test]
    fn delivered_is_the_sum_of_the_ends_and_in_flight() {
        let ledger = DeliveryLedger::default();
        ledger.delivered(6);
        ledger.ended(DeliveryEnd::Acknowledged, 2);
        for end in [
            DeliveryEnd::DeadLettered,
            DeliveryEnd::Parked,
            DeliveryEnd::LeftToBroker,
        ] {
            ledger.ended(end, 1);
        }
        let counts = ledger.counts();
        assert!(counts.adds_up());
        assert_eq!(counts.in_flight, 1);
    }
}
