//! What one batch of events did, applied in one go: room, ledger, metrics, callers, callbacks.

use std::sync::Arc;
use std::task::Waker;

use crate::observability::PublishCounts;
use crate::template::callbacks::Call;

use super::entry::{Ended, Entry};

/// See the module.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) counts: PublishCounts,
    /// Slots of the window that are free again.
    pub(super) slots: usize,
    /// Bytes of the window that are free again.
    pub(super) bytes: usize,
    /// Whose end is told, and the end.
    pub(super) ended: Vec<(Arc<Entry>, Ended)>,
    /// Who waits for these ends. Empty between two batches.
    pub(super) wakers: Vec<Waker>,
    /// Callbacks to run.
    pub(super) calls: Vec<Call>,
}
