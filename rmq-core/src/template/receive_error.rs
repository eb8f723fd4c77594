use std::fmt;

use crate::connection::ConnectError;
use crate::converter::ConversionError;
use crate::error::OperationError;
use crate::message::DeliveryFault;
use crate::transport::{TransportError, TransportErrorKind};

use super::{Received, SettleError};

/// How a receive failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReceiveErrorKind {
    /// There is no connection, or no channel on it.
    NotConnected,
    /// There is no such queue (404).
    NoSuchQueue,
    /// No queue was named, and `template.default-receive-queue` is not set.
    NoQueueNamed,
    /// The channel ended; a message that was under way is back in its queue.
    ChannelEnded,
    /// The message is over a limit of this connection, and part of it was left out; [`ReceiveError::into_received`] has
    /// it, unsettled.
    Incomplete,
    /// The message is there and could not be read; [`ReceiveError::into_received`] has it, unsettled.
    Conversion,
}

/// A receive failed. No message was lost: what was fetched is in this error, unsettled, or back in its queue.
pub struct ReceiveError {
    kind: ReceiveErrorKind,
    queue: String,
    inner: Inner,
}

enum Inner {
    None,
    Connect(ConnectError),
    Transport(TransportError),
    Settle(SettleError),
    Incomplete(DeliveryFault, Box<Received>),
    Conversion(ConversionError, Box<Received>),
}

impl ReceiveError {
    fn new(kind: ReceiveErrorKind, queue: &str, inner: Inner) -> Self {
        Self {
            kind,
            queue: queue.to_owned(),
            inner,
        }
    }

    pub(super) fn no_queue_named() -> Self {
        Self::new(ReceiveErrorKind::NoQueueNamed, "", Inner::None)
    }

    pub(super) fn connect(queue: &str, error: ConnectError) -> Self {
        Self::new(ReceiveErrorKind::NotConnected, queue, Inner::Connect(error))
    }

    pub(super) fn transport(queue: &str, error: TransportError) -> Self {
        let kind = if error.kind == TransportErrorKind::ChannelClosed(404) {
            ReceiveErrorKind::NoSuchQueue
        } else {
            ReceiveErrorKind::ChannelEnded
        };
        Self::new(kind, queue, Inner::Transport(error))
    }

    pub(super) fn ended(queue: &str) -> Self {
        Self::new(ReceiveErrorKind::ChannelEnded, queue, Inner::None)
    }

    pub(super) fn settle(queue: &str, error: SettleError) -> Self {
        Self::new(ReceiveErrorKind::ChannelEnded, queue, Inner::Settle(error))
    }

    pub(super) fn incomplete(queue: &str, fault: DeliveryFault, received: Received) -> Self {
        let inner = Inner::Incomplete(fault, Box::new(received));
        Self::new(ReceiveErrorKind::Incomplete, queue, inner)
    }

    pub(super) fn conversion(queue: &str, error: ConversionError, received: Received) -> Self {
        let inner = Inner::Conversion(error, Box::new(received));
        Self::new(ReceiveErrorKind::Conversion, queue, inner)
    }

    /// How it failed.
    #[must_use]
    pub const fn kind(&self) -> ReceiveErrorKind {
        self.kind
    }

    /// The message that could not be read, unsettled: acknowledge, reject or requeue it. Dropped, it goes back.
    ///
    /// The broker has it whole even where it is incomplete here: rejected, it is dead-lettered intact; acknowledged, it is
    /// gone.
    #[must_use]
    pub fn into_received(self) -> Option<Received> {
        match self.inner {
            Inner::Conversion(_, received) | Inner::Incomplete(_, received) => Some(*received),
            _ => None,
        }
    }
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == ReceiveErrorKind::NoQueueNamed {
            return f.write_str(
                "receive: no queue was named. Name one, or set template.default-receive-queue",
            );
        }
        write!(f, "receive from queue `{}`: ", self.queue)?;
        match &self.inner {
            Inner::None => f.write_str(
                "the channel ended while it waited. A message under way is back in the queue",
            ),
            Inner::Connect(error) => write!(f, "{error}"),
            Inner::Transport(error) => write!(f, "{error}"),
            Inner::Settle(error) => write!(f, "{error}"),
            Inner::Incomplete(fault, received) => write!(
                f,
                "message {}: {fault}. It is in this error, unsettled, and whole at the broker: reject it to have it \
                 dead-lettered; dropped, it goes back to the queue",
                received
                    .delivery()
                    .message_id()
                    .as_deref()
                    .unwrap_or("without an id")
            ),
            Inner::Conversion(error, _) => write!(
                f,
                "{error}. The message is in this error, unsettled; dropped, it goes back to the queue"
            ),
        }
    }
}

impl fmt::Debug for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} [{}]", OperationError::code(self))
    }
}

impl std::error::Error for ReceiveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.inner {
            Inner::None => None,
            Inner::Connect(error) => Some(error),
            Inner::Transport(error) => Some(error),
            Inner::Settle(error) => Some(error),
            Inner::Incomplete(fault, _) => Some(fault),
            Inner::Conversion(error, _) => Some(error),
        }
    }
}

impl OperationError for ReceiveError {
    fn code(&self) -> &'static str {
        match self.kind {
            ReceiveErrorKind::NotConnected => "RMQ-RCV-NOT-CONNECTED",
            ReceiveErrorKind::NoSuchQueue => "RMQ-RCV-NO-SUCH-QUEUE",
            ReceiveErrorKind::NoQueueNamed => "RMQ-RCV-NO-QUEUE-NAMED",
            ReceiveErrorKind::ChannelEnded => "RMQ-RCV-CHANNEL-ENDED",
            ReceiveErrorKind::Incomplete => "RMQ-RCV-INCOMPLETE",
            ReceiveErrorKind::Conversion => "RMQ-RCV-CONVERSION",
        }
    }

    fn is_transient(&self) -> bool {
        match &self.inner {
            Inner::Connect(error) => error.is_transient(),
            Inner::Transport(error) => error.is_transient(),
            Inner::Settle(_) => true,
            Inner::Conversion(..) | Inner::Incomplete(..) => false,
            Inner::None => self.kind == ReceiveErrorKind::ChannelEnded,
        }
    }
}
