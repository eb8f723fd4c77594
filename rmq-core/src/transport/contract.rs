use uuid::Uuid;

use crate::message::{Delivery, ReturnedMessage};

use super::CloseCause;

/// The sender's own name for a publish in flight; the transport hands it back and never looks into it.
pub type Token = u64;

/// Whether a publish comes back when no queue takes it, and how its return is found again: a return names no tag.
///
/// `true` is [`Returns::ByHeader`], `false` is [`Returns::Never`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returns {
    /// It is not mandatory.
    Never,
    /// By the message id, which is this UUID and that of no other message in flight on the channel.
    ById(Uuid),
    /// By a private header. The id is not the sender's own, and may be anything, or the same twice.
    ByHeader,
}

impl Returns {
    /// Whether a message that no queue takes comes back.
    #[must_use]
    pub const fn mandatory(self) -> bool {
        !matches!(self, Self::Never)
    }
}

impl From<bool> for Returns {
    fn from(mandatory: bool) -> Self {
        if mandatory {
            Self::ByHeader
        } else {
            Self::Never
        }
    }
}

/// What the broker said about one publish.
#[derive(Debug)]
pub enum Verdict {
    /// Ack, and no return before it.
    Ack,
    /// Nack.
    Nack,
    /// A return, and then the ack that settles it.
    Returned(Box<ReturnedMessage>),
}

/// A publish that had no verdict when its channel ended.
#[derive(Debug)]
pub struct Pending {
    /// The sender's token.
    pub token: Token,
    /// Its return, if that had arrived before the channel ended: the message is not in any queue.
    pub returned: Option<Box<ReturnedMessage>>,
}

/// Where a publishing channel's verdicts go.
///
/// Both methods run on the task that reads the socket: they must not block and must not wait.
pub trait PublishSink: Send + Sync + 'static {
    /// What one read of the socket settled, in the broker's order. The vector is emptied afterwards and used again.
    fn settled(&self, verdicts: &mut Vec<(Token, Verdict)>);

    /// The channel has ended. `pending` is everything without a verdict, in tag order. Nothing follows.
    fn closed(&self, cause: &CloseCause, pending: Vec<Pending>);
}

/// Where a consumer's deliveries go.
///
/// All methods run on the task that reads the socket: they must not block and must not wait.
pub trait DeliverySink: Send + Sync + 'static {
    /// What one read of the socket brought for this consumer, in order. The vector is emptied afterwards. To a consumer
    /// without acknowledgement also what comes behind its cancel: the broker has forgotten it.
    fn deliver(&self, deliveries: &mut Vec<Delivery>);

    /// The broker has cancelled the consumer (its queue was deleted, its leader moved). What was delivered before
    /// can still be settled.
    fn cancelled(&self);

    /// The channel has ended, also one on which the consumer was cancelled before. What was delivered on it can no longer
    /// be settled. Nothing follows.
    fn closed(&self, cause: &CloseCause);
}

/// How a delivery is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// `basic.ack`, gathered with its neighbours where that is safe.
    Ack,
    /// `basic.reject` without requeue: the broker dead-letters it.
    Reject,
    /// `basic.reject` with requeue: a failed attempt that goes back.
    Requeue,
    /// `basic.nack` with requeue: handed back unhandled.
    HandBack,
}
