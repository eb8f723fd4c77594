//! Which messages were handed back for slowness.

use std::collections::{HashSet, VecDeque};

use parking_lot::Mutex;

use crate::message::Delivery;

/// Which messages were handed back for slowness: each is, at most once. The newest are remembered.
#[derive(Debug, Default)]
pub(super) struct HandedBack(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    order: VecDeque<u64>,
    known: HashSet<u64>,
}

/// More than any consumer's prefetch (AMQP: 65,535).
const REMEMBERED: usize = 1 << 17;

impl HandedBack {
    /// Notes a delivery that is about to go back; false when it has been there before.
    pub(super) fn note(&self, delivery: &Delivery) -> bool {
        let mark = delivery.mark();
        let mut remembered = self.0.lock();
        if !remembered.known.insert(mark) {
            return false;
        }
        remembered.order.push_back(mark);
        if remembered.order.len() > REMEMBERED
            && let Some(oldest) = remembered.order.pop_front()
        {
            remembered.known.remove(&oldest);
        }
        true
    }
}
