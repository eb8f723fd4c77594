//! How a consumer is reached from outside its task.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::session::Session;

/// The handle on one consumer.
#[derive(Debug, Default)]
pub(super) struct Control {
    /// Finish what runs, take nothing more, end.
    pub(super) quiet: CancellationToken,
    /// End now: what runs is dropped.
    pub(super) kill: CancellationToken,
    session: Mutex<Option<Arc<Session>>>,
}

impl Control {
    pub(super) fn session(&self) -> Option<Arc<Session>> {
        self.session.lock().clone()
    }

    pub(super) fn enter(&self, session: &Arc<Session>) {
        *self.session.lock() = Some(Arc::clone(session));
    }

    pub(super) fn leave(&self) {
        *self.session.lock() = None;
    }
}
