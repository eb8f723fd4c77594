use std::fmt;

use crate::converter::ConversionError;
use crate::error::OperationError;
use crate::message::{DeliveryFault, Message};

use super::PublishError;

/// How a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestErrorKind {
    /// The request did not end as confirmed; the error's source says how, and holds the message.
    Publish,
    /// No channel that can receive replies was there in time; nothing was sent.
    NotSent,
    /// No reply came within `template.reply-timeout`. The request may have been handled.
    Timeout,
    /// The channel that the reply would have come to is gone. The request may have been handled.
    ReplyLost,
    /// A reply came, over a limit of this connection, so that part of it was left out. It is lost: the broker keeps no
    /// reply. The request was handled.
    ReplyIncomplete,
    /// This program is stopping. The request may have been handled.
    Stopped,
    /// The reply is there and could not be read as the type asked for; [`RequestError::reply`] has it.
    Conversion,
}

/// A request got no reply, or none that could be read.
pub struct RequestError {
    kind: RequestErrorKind,
    inner: Inner,
}

enum Inner {
    None,
    Publish(PublishError),
    Incomplete(DeliveryFault),
    Conversion(ConversionError, Box<Message>),
}

impl RequestError {
    pub(super) const fn new(kind: RequestErrorKind) -> Self {
        Self {
            kind,
            inner: Inner::None,
        }
    }

    pub(super) const fn incomplete(fault: DeliveryFault) -> Self {
        Self {
            kind: RequestErrorKind::ReplyIncomplete,
            inner: Inner::Incomplete(fault),
        }
    }

    pub(super) fn conversion(error: ConversionError, reply: Message) -> Self {
        Self {
            kind: RequestErrorKind::Conversion,
            inner: Inner::Conversion(error, Box::new(reply)),
        }
    }

    /// How it failed.
    #[must_use]
    pub const fn kind(&self) -> RequestErrorKind {
        self.kind
    }

    /// How publishing the request failed, if it did.
    #[must_use]
    pub const fn publish_error(&self) -> Option<&PublishError> {
        match &self.inner {
            Inner::Publish(error) => Some(error),
            _ => None,
        }
    }

    /// The reply that could not be read, if one came.
    #[must_use]
    pub const fn reply(&self) -> Option<&Message> {
        match &self.inner {
            Inner::Conversion(_, reply) => Some(reply),
            _ => None,
        }
    }
}

impl From<PublishError> for RequestError {
    fn from(error: PublishError) -> Self {
        Self {
            kind: RequestErrorKind::Publish,
            inner: Inner::Publish(error),
        }
    }
}

impl From<RequestErrorKind> for RequestError {
    fn from(kind: RequestErrorKind) -> Self {
        Self::new(kind)
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner {
            Inner::Publish(error) => return write!(f, "request: {error}"),
            Inner::Conversion(error, _) => {
                return write!(
                    f,
                    "request: the reply is in this error, and could not be read: {error}"
                );
            }
            Inner::Incomplete(fault) => {
                return write!(
                    f,
                    "request: a reply came, and {fault}. The reply is lost, and the request was handled; raise the limit, or ask for less"
                );
            }
            Inner::None => {}
        }
        f.write_str(match self.kind {
            RequestErrorKind::NotSent => {
                "request: no channel that can receive replies was there in time. Nothing was sent; try again later"
            }
            RequestErrorKind::Timeout => {
                "request: no reply came within template.reply-timeout. The request may have been handled"
            }
            RequestErrorKind::ReplyLost => {
                "request: the channel its reply would have come to is gone. The request may have been handled"
            }
            RequestErrorKind::Stopped => {
                "request: this program is stopping. The request may have been handled"
            }
            RequestErrorKind::Publish
            | RequestErrorKind::Conversion
            | RequestErrorKind::ReplyIncomplete => "request",
        })
    }
}

impl fmt::Debug for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} [{}]", OperationError::code(self))
    }
}

impl std::error::Error for RequestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.inner {
            Inner::Publish(error) => Some(error),
            Inner::Incomplete(fault) => Some(fault),
            Inner::Conversion(error, _) => Some(error),
            Inner::None => None,
        }
    }
}

impl OperationError for RequestError {
    fn code(&self) -> &'static str {
        match self.kind {
            RequestErrorKind::Publish => "RMQ-REQ-PUBLISH",
            RequestErrorKind::NotSent => "RMQ-REQ-NOT-SENT",
            RequestErrorKind::Timeout => "RMQ-REQ-TIMEOUT",
            RequestErrorKind::ReplyLost => "RMQ-REQ-REPLY-LOST",
            RequestErrorKind::ReplyIncomplete => "RMQ-REQ-REPLY-INCOMPLETE",
            RequestErrorKind::Stopped => "RMQ-REQ-STOPPED",
            RequestErrorKind::Conversion => "RMQ-REQ-CONVERSION",
        }
    }

    fn is_transient(&self) -> bool {
        match &self.inner {
            Inner::Publish(error) => error.is_transient(),
            Inner::Conversion(..) | Inner::Incomplete(_) => false,
            Inner::None => self.kind != RequestErrorKind::Stopped,
        }
    }
}
