//! Which channel numbers are in use on the wire.

use std::sync::Arc;

use parking_lot::Mutex;

use super::lease::Lease;

/// From `channel.open` on the wire to `channel.close-ok` on the wire, never shorter: a frame that comes later would
/// belong to another lease, and one appended later would end the connection.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    leases: Vec<Option<Arc<Lease>>>,
    closed: bool,
}

impl Leases {
    pub(super) fn get(&self, number: u16) -> Option<Arc<Lease>> {
        self.0.lock().leases.get(usize::from(number))?.clone()
    }

    /// `false` when the link has ended.
    pub(super) fn register(&self, lease: Arc<Lease>) -> bool {
        let mut numbers = self.0.lock();
        if numbers.closed {
            return false;
        }
        let place = usize::from(lease.number);
        if numbers.leases.len() <= place {
            numbers.leases.resize(place + 1, None);
        }
        if let Some(slot) = numbers.leases.get_mut(place) {
            *slot = Some(lease);
        }
        true
    }

    pub(super) fn release(&self, number: u16) {
        if let Some(place) = self.0.lock().leases.get_mut(usize::from(number)) {
            *place = None;
        }
    }

    /// All that are in use.
    pub(super) fn all(&self) -> Vec<Arc<Lease>> {
        self.0.lock().leases.iter().flatten().cloned().collect()
    }

    /// The link has ended: gives all, and takes no more.
    pub(super) fn close(&self) -> Vec<Arc<Lease>> {
        let mut numbers = self.0.lock();
        numbers.closed = true;
        std::mem::take(&mut numbers.leases)
            .into_iter()
            .flatten()
            .collect()
    }
}
