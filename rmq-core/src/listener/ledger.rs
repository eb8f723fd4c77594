//! What became of the deliveries of one listener, counted.

use std::ops::AddAssign;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use crate::observability::{DeliveryCounts, DeliveryEnd, DeliveryLedger, DeliveryWitness, Metrics};

/// The counters of one listener.
#[derive(Debug, Default)]
pub(super) struct Counters {
    ledger: DeliveryLedger,
    slow: AtomicU64,
    lost: AtomicU64,
    /// Told when deliveries have ended.
    changed: Notify,
    /// Told of each delivery by its message id; in tests only.
    witness: OnceLock<Arc<dyn DeliveryWitness>>,
}

impl Counters {
    pub(super) fn witnessed_by(&self, witness: Arc<dyn DeliveryWitness>) {
        // The first one stays: there is one for each start of an application.
        let _ = self.witness.set(witness);
    }

    pub(super) fn witness(&self) -> Option<&dyn DeliveryWitness> {
        self.witness.get().map(|witness| &**witness)
    }

    pub(super) fn delivered(&self, deliveries: usize) {
        self.ledger.delivered(deliveries as u64);
        Metrics::consumed(deliveries as u64);
    }

    pub(super) fn ended(&self, end: DeliveryEnd, deliveries: usize) {
        if deliveries > 0 {
            self.ledger.ended(end, deliveries as u64);
            Metrics::delivery_ended(end, deliveries as u64);
            self.changed.notify_waiters();
        }
    }

    /// A settlement that its channel no longer took: the broker delivers the message again.
    pub(super) fn stale(&self) {
        self.ended(DeliveryEnd::LeftToBroker, 1);
        self.ledger.apart(0, 0, 1);
    }

    pub(super) fn unproven(&self, settlements: u64) {
        if settlements > 0 {
            self.ledger.apart(settlements, 0, 0);
        }
    }

    pub(super) fn retried(&self) {
        self.ledger.apart(0, 1, 0);
    }

    pub(super) fn handed_back_for_slowness(&self, deliveries: usize) {
        self.slow.fetch_add(deliveries as u64, Ordering::Relaxed);
    }

    /// Mode `none`: the broker has forgotten the message, and so do we.
    pub(super) fn forgotten(&self, deliveries: usize) {
        self.lost.fetch_add(deliveries as u64, Ordering::Relaxed);
        self.ended(DeliveryEnd::Acknowledged, deliveries);
    }

    /// Waits until the counts are as asked for.
    pub(super) async fn wait_for(&self, holds: impl Fn(&ListenerLedger) -> bool) -> ListenerLedger {
        loop {
            let mut changed = pin!(self.changed.notified());
            // From here on a change is not missed.
            changed.as_mut().enable();
            let counts = self.snapshot();
            if holds(&counts) {
                return counts;
            }
            changed.await;
        }
    }

    pub(super) fn snapshot(&self) -> ListenerLedger {
        ListenerLedger {
            deliveries: self.ledger.counts(),
            handed_back_for_slowness: self.slow.load(Ordering::Relaxed),
            lost_without_acknowledgement: self.lost.load(Ordering::Relaxed),
        }
    }
}

/// What became of the deliveries of a listener, or of all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenerLedger {
    /// The sum that has to add up.
    pub deliveries: DeliveryCounts,
    /// Of the requeued: handed back because the handler was too slow for what was prefetched.
    pub handed_back_for_slowness: u64,
    /// Mode `none` only, of the acknowledged: failed, cut off or never started after the broker had forgotten them.
    /// These messages are lost.
    pub lost_without_acknowledgement: u64,
}

impl AddAssign for ListenerLedger {
    fn add_assign(&mut self, other: Self) {
        let (mine, others) = (&mut self.deliveries, other.deliveries);
        mine.delivered += others.delivered;
        mine.acknowledged += others.acknowledged;
        mine.dead_lettered += others.dead_lettered;
        mine.parked += others.parked;
        mine.requeued += others.requeued;
        mine.left_to_broker += others.left_to_broker;
        mine.in_flight += others.in_flight;
        mine.unproven_acks += others.unproven_acks;
        mine.retries += others.retries;
        mine.stale_settlements += others.stale_settlements;
        self.handed_back_for_slowness += other.handed_back_for_slowness;
        self.lost_without_acknowledgement += other.lost_without_acknowledgement;
    }
}
