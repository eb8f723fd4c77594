//! What became of every delivery, counted.

use std::ops::Add;
use std::sync::atomic::{AtomicU64, Ordering};

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Acknowledged,
    DeadLettered,
    Parked,
    Requeued,
    LeftToBroker,
}

/// The counters of one listener. Each is only ever added to.
#[derive(Debug, Default)]
pub(super) struct Counters {
    delivered: AtomicU64,
    acknowledged: AtomicU64,
    dead_lettered: AtomicU64,
    parked: AtomicU64,
    requeued: AtomicU64,
    left_to_broker: AtomicU64,
    unproven: AtomicU64,
    retried: AtomicU64,
    handed_back_for_slowness: AtomicU64,
    failed_without_acknowledgement: AtomicU64,
}

impl Counters {
    pub(super) fn delivered(&self, count: usize) {
        self.delivered.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn ended(&self, end: End, count: usize) {
        let counter = match end {
            End::Acknowledged => &self.acknowledged,
            End::DeadLettered => &self.dead_lettered,
            End::Parked => &self.parked,
            End::Requeued => &self.requeued,
            End::LeftToBroker => &self.left_to_broker,
        };
        // Released, so that a snapshot which sees the end sees the delivery, too.
        counter.fetch_add(count as u64, Ordering::Release);
    }

    pub(super) fn unproven(&self, count: u64) {
        self.unproven.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn handed_back_for_slowness(&self, count: usize) {
        self.handed_back_for_slowness
            .fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn failed_without_acknowledgement(&self) {
        self.failed_without_acknowledgement
            .fetch_add(1, Ordering::Relaxed);
    }

    /// The counts now. Ends are read before deliveries, so that what is in flight is never below zero.
    pub(super) fn snapshot(&self) -> ListenerLedger {
        let read = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        let mut ledger = ListenerLedger {
            acknowledged: read(&self.acknowledged),
            dead_lettered: read(&self.dead_lettered),
            parked: read(&self.parked),
            requeued: read(&self.requeued),
            left_to_broker: read(&self.left_to_broker),
            unproven: read(&self.unproven),
            retried: read(&self.retried),
            handed_back_for_slowness: read(&self.handed_back_for_slowness),
            failed_without_acknowledgement: read(&self.failed_without_acknowledgement),
            ..ListenerLedger::default()
        };
        ledger.delivered = read(&self.delivered);
        ledger.in_flight = ledger.delivered.saturating_sub(ledger.ended());
        ledger
    }
}

/// What became of the deliveries of a listener, or of all of them.
///
/// `delivered = acknowledged + dead_lettered + parked + requeued + left_to_broker + in_flight`. The rest is counted
/// apart. Deliveries, not messages: one that comes back is delivered again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenerLedger {
    /// Handed over by the broker.
    pub delivered: u64,
    /// Handled, and the acknowledgement is written. In mode `none`: taken from the broker and no longer waiting.
    pub acknowledged: u64,
    /// Rejected: the broker moves the original to the dead-letter queue.
    pub dead_lettered: u64,
    /// Published again to the parking queue, confirmed, then acknowledged.
    pub parked: u64,
    /// Given back to the queue by this program.
    pub requeued: u64,
    /// The channel ended before they were settled: the broker delivers them again.
    pub left_to_broker: u64,
    /// In the hands of this program.
    pub in_flight: u64,
    /// Of what is settled: the channel ended before anything proved that the broker had read it. It may come again.
    pub unproven: u64,
    /// Further attempts at a delivery, in the process.
    pub retried: u64,
    /// Of the requeued: handed back because the handler was too slow for what was prefetched.
    pub handed_back_for_slowness: u64,
    /// Mode `none` only: failed, cut off or dropped after the broker had forgotten them. These messages are lost.
    pub failed_without_acknowledgement: u64,
}

impl ListenerLedger {
    /// Deliveries that have ended.
    #[must_use]
    pub const fn ended(&self) -> u64 {
        self.acknowledged + self.dead_lettered + self.parked + self.requeued + self.left_to_broker
    }
}

impl Add for ListenerLedger {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            delivered: self.delivered + other.delivered,
            acknowledged: self.acknowledged + other.acknowledged,
            dead_lettered: self.dead_lettered + other.dead_lettered,
            parked: self.parked + other.parked,
            requeued: self.requeued + other.requeued,
            left_to_broker: self.left_to_broker + other.left_to_broker,
            in_flight: self.in_flight + other.in_flight,
            unproven: self.unproven + other.unproven,
            retried: self.retried + other.retried,
            handed_back_for_slowness: self.handed_back_for_slowness + other.handed_back_for_slowness,
            failed_without_acknowledgement: self.failed_without_acknowledgement
                + other.failed_without_acknowledgement,
        }
    }
}
