use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::engine::Entry;
use super::{Confirmed, PublishError};

/// A message in the window, on its way. Await it for its end.
///
/// # Cancel safety
/// The publishing channel owns the message: dropping this changes nothing for it, its callbacks run and the ledger
/// counts it. Only the caller no longer learns the end.
///
/// # Errors
/// Resolves to a [`PublishError`] holding the whole message when it did not end as confirmed. It always resolves:
/// at the latest when its deadline passes. Polled again after that it is pending for ever.
#[derive(Debug)]
#[must_use = "whether the broker has the message is known only when this is awaited"]
pub struct PendingConfirm(Arc<Entry>);

impl PendingConfirm {
    pub(super) const fn new(entry: Arc<Entry>) -> Self {
        Self(entry)
    }

    /// The message's id.
    #[must_use]
    pub fn message_id(&self) -> &str {
        &self.0.message_id
    }

    /// How many channels that consumed replies had ended before the one it was last sent on.
    pub(super) fn ended_before(&self) -> u64 {
        self.0.ended_before()
    }
}

impl Future for PendingConfirm {
    type Output = Result<Confirmed, PublishError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}
