use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Acknowledgement;

/// Where a manual settlement goes: the listener's side of an [`Acknowledger`]. Called at most once for each delivery.
pub trait ManualSettlement: Send + Sync + 'static {
    /// Settles the delivery. Never waits.
    ///
    /// # Errors
    /// When the delivery can no longer be settled: its channel has ended and the broker delivers it again.
    fn settle(&self, acknowledgement: Acknowledgement) -> Result<(), AcknowledgeError>;
}

/// Settles a delivery by hand: an argument of a listener with `ack = "manual"`. Cheap to clone.
///
/// A delivery is settled once, before the handler returns; one that is not settled then counts as a failure.
#[derive(Clone)]
pub struct Acknowledger(Arc<Slot>);

struct Slot {
    settled: Mutex<Option<Acknowledgement>>,
    settlement: Box<dyn ManualSettlement>,
}

/// Why a delivery was not settled by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AcknowledgeError {
    /// It was settled before; the first settlement stands.
    #[error("the delivery is settled already ({0:?}), and that stands")]
    AlreadySettled(Acknowledgement),
    /// The handler has returned, and the listener has taken the settlement over.
    #[error(
        "the handler of the delivery has returned, and the listener has settled it as a failure"
    )]
    TooLate,
    /// The channel it came on has ended; the broker delivers the message again.
    #[error("the channel of the delivery has ended; the broker delivers the message again")]
    ChannelEnded,
}

impl crate::error::OperationError for AcknowledgeError {
    fn code(&self) -> &'static str {
        match self {
            Self::AlreadySettled(_) => "RMQ-ACK-SETTLED",
            Self::TooLate => "RMQ-ACK-LATE",
            Self::ChannelEnded => "RMQ-ACK-CHANNEL",
        }
    }

    fn is_transient(&self) -> bool {
        false
    }
}

impl Acknowledger {
    /// An acknowledger of one delivery.
    #[must_use]
    pub fn new(settlement: Box<dyn ManualSettlement>) -> Self {
        Self(Arc::new(Slot {
            settled: Mutex::new(None),
            settlement,
        }))
    }

    /// The broker forgets the message.
    ///
    /// # Errors
    /// When the delivery is settled already or its channel has ended.
    pub fn ack(&self) -> Result<(), AcknowledgeError> {
        self.settle(Acknowledgement::Ack)
    }

    /// The broker dead-letters the message.
    ///
    /// # Errors
    /// When the delivery is settled already or its channel has ended.
    pub fn reject(&self) -> Result<(), AcknowledgeError> {
        self.settle(Acknowledgement::Reject)
    }

    /// The message goes back to its queue.
    ///
    /// # Errors
    /// When the delivery is settled already or its channel has ended.
    pub fn requeue(&self) -> Result<(), AcknowledgeError> {
        self.settle(Acknowledgement::Requeue)
    }

    /// Settles the delivery as said.
    ///
    /// # Errors
    /// When the delivery is settled already or its channel has ended.
    pub fn settle(&self, acknowledgement: Acknowledgement) -> Result<(), AcknowledgeError> {
        let mut settled = self.0.settled.lock();
        if let Some(earlier) = *settled {
            return Err(AcknowledgeError::AlreadySettled(earlier));
        }
        self.0.settlement.settle(acknowledgement)?;
        *settled = Some(acknowledgement);
        Ok(())
    }

    /// How it was settled, if it was.
    #[must_use]
    pub fn settled(&self) -> Option<Acknowledgement> {
        *self.0.settled.lock()
    }
}

impl fmt::Debug for Acknowledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acknowledger")
            .field("settled", &self.settled())
            .finish_non_exhaustive()
    }
}
