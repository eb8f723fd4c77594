use std::fmt;

use crate::connection::ChannelLease;
use crate::message::{Delivery, Message};
use crate::transport::{Settlement, Stale};

/// A message fetched from a queue, and not yet settled.
///
/// # Delivery guarantee
/// The broker keeps the message until [`Received::ack`] or [`Received::reject`]. Dropped unsettled, it goes back to
/// its queue; if its channel dies first, the broker puts it back.
#[must_use = "a message dropped unsettled goes back to its queue"]
pub struct Received {
    delivery: Delivery,
    lease: Option<ChannelLease>,
}

/// The message could no longer be settled: its channel had ended. The broker has put it back into its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "settle a received message: its channel had ended before. The broker has put the message back into its queue"
)]
pub struct SettleError;

impl From<Stale> for SettleError {
    fn from(_: Stale) -> Self {
        Self
    }
}

impl crate::error::OperationError for SettleError {
    fn code(&self) -> &'static str {
        "RMQ-RCV-STALE"
    }

    fn is_transient(&self) -> bool {
        false
    }
}

impl Received {
    pub(super) const fn new(delivery: Delivery, lease: ChannelLease) -> Self {
        Self {
            delivery,
            lease: Some(lease),
        }
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &Message {
        self.delivery.message()
    }

    /// The message with the facts of its delivery.
    #[must_use]
    pub const fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// Tells the broker that the message is done with, and gives it.
    ///
    /// # Errors
    /// When its channel has ended: the broker has put it back and delivers it again.
    pub fn ack(mut self) -> Result<Message, SettleError> {
        self.settle(Settlement::Ack)?;
        Ok(self.into_message())
    }

    /// Gives it up: the broker moves it to the queue's dead-letter exchange, or drops it if there is none.
    ///
    /// # Errors
    /// As [`Received::ack`].
    pub fn reject(mut self) -> Result<Message, SettleError> {
        self.settle(Settlement::Reject)?;
        Ok(self.into_message())
    }

    /// Puts it back into its queue.
    ///
    /// # Errors
    /// As [`Received::ack`]; it is back in its queue all the same.
    pub fn requeue(mut self) -> Result<(), SettleError> {
        self.settle(Settlement::HandBack)
    }

    fn into_message(mut self) -> Message {
        let none = Delivery::of(Message::default(), "", "");
        std::mem::replace(&mut self.delivery, none).into_message()
    }

    fn settle(&mut self, settlement: Settlement) -> Result<(), SettleError> {
        let lease = self.lease.take().ok_or(SettleError)?;
        lease.settle(self.delivery.tag(), settlement)?;
        lease.give_back();
        Ok(())
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if self.lease.is_some() {
            tracing::debug!(
                message_id = self.delivery.message_id().as_deref(),
                "a received message was dropped unsettled: it goes back to its queue"
            );
            if self.settle(Settlement::HandBack).is_err() {
                tracing::debug!("its channel had ended: the broker has put it back");
            }
        }
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}
