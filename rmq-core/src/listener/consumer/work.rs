//! A delivery in the hands of its consumer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::Instant;
use tracing::Span;

use crate::handler::Acknowledgement;
use crate::observability::DeliveryEnd;
use crate::transport::Settlement;

use super::super::by_hand::ByHand;
use super::super::session::Session;

/// See the module. Dropped without an end, because its consumer panicked or was cut off, it is counted as left to the broker.
pub(super) struct Work<'s> {
    pub(super) session: &'s Arc<Session>,
    pub(super) tag: u64,
    pub(super) began: Instant,
    pub(super) by_hand: Option<ByHand>,
    /// Told how it ends.
    pub(super) span: Span,
    ended: AtomicBool,
}

impl<'s> Work<'s> {
    pub(super) const fn new(
        session: &'s Arc<Session>,
        tag: u64,
        began: Instant,
        span: Span,
    ) -> Self {
        Self {
            session,
            tag,
            began,
            by_hand: None,
            span,
            ended: AtomicBool::new(false),
        }
    }

    /// Settles it, unless its handler has: from here on that one can't. The ledger counts this end, or that its channel
    /// no longer took it.
    pub(super) fn settle(&self, settlement: Settlement, end: DeliveryEnd) {
        self.note_end();
        self.span.record("rmq.outcome", end.as_str());
        if !self.is_settled_by_hand() {
            self.session.settle(self.tag, settlement, end);
        }
    }

    /// Its end is counted elsewhere.
    pub(super) fn note_end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    fn is_settled_by_hand(&self) -> bool {
        let said = self.by_hand.as_ref().and_then(ByHand::take_over);
        matches!(said, Some(Acknowledgement::Ack | Acknowledgement::Reject))
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        if !self.ended.load(Ordering::Relaxed) && !self.is_settled_by_hand() {
            self.session.forsaken(self.tag);
        }
    }
}
