use std::fmt;

use bytestring::ByteString;

use crate::error::{BoxError, OperationError};
use crate::message::{Message, PublishOutcome};
use crate::name::Name;

/// Why a publish was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusedReason {
    /// The value could not be turned into a message.
    Conversion,
    /// A post processor failed.
    PostProcessor,
    /// An exchange, a routing key, a property or a header name is longer than 255 bytes.
    NameTooLong,
    /// The body is larger than `max-message-size`.
    TooLarge,
    /// The header table is too large or nested too deep.
    Headers,
    /// The window stayed full until the deadline.
    WindowFull,
    /// The broker took no publishes (memory or disk alarm) until the deadline.
    Blocked,
    /// There was no connection until the deadline; it was never sent.
    NotConnected,
    /// This program is stopping.
    ShuttingDown,
    /// The broker closed the channel or the connection because of it; [`PublishError::reply`] has its words.
    Broker,
}

/// How a publish failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PublishErrorKind {
    /// No queue matched: the broker gave it back.
    Returned,
    /// At least one matched queue refused it; others may hold it.
    Nacked,
    /// Refused by us before it was sent, or by the broker with an error.
    Refused(RefusedReason),
    /// Nobody knows whether the broker has it.
    Unknown,
}

impl PublishErrorKind {
    /// The outcome this is.
    #[must_use]
    pub const fn outcome(self) -> PublishOutcome {
        match self {
            Self::Returned => PublishOutcome::Returned,
            Self::Nacked => PublishOutcome::Nacked,
            Self::Refused(_) => PublishOutcome::Refused,
            Self::Unknown => PublishOutcome::Unknown,
        }
    }
}

/// A publish did not end as confirmed. Holds the whole message.
///
/// Its `Debug` shows what its `Display` shows: never a payload.
pub struct PublishError(Box<Parts>);

/// What a failed publish is made of.
pub(super) struct Parts {
    pub(super) kind: PublishErrorKind,
    pub(super) message: Option<Message>,
    pub(super) message_id: ByteString,
    pub(super) exchange: Name,
    pub(super) routing_key: Name,
    pub(super) attempts: u32,
    pub(super) possible_duplicate: bool,
    pub(super) reply: Option<(u16, ByteString)>,
    pub(super) cause: ByteString,
    pub(super) source: Option<BoxError>,
}

impl PublishError {
    pub(super) fn new(mut parts: Parts) -> Self {
        // Kept for long, perhaps: in memory of its own.
        parts.message_id = ByteString::from(&*parts.message_id);
        parts.message = parts.message.map(Message::detached);
        Self(Box::new(parts))
    }

    /// How it failed.
    #[must_use]
    pub const fn kind(&self) -> PublishErrorKind {
        self.0.kind
    }

    /// A stable code such as `RMQ-PUB-RETURNED`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.0.kind {
            PublishErrorKind::Returned => "RMQ-PUB-RETURNED",
            PublishErrorKind::Nacked => "RMQ-PUB-NACKED",
            PublishErrorKind::Unknown => "RMQ-PUB-UNKNOWN",
            PublishErrorKind::Refused(reason) => match reason {
                RefusedReason::Conversion => "RMQ-PUB-CONVERSION",
                RefusedReason::PostProcessor => "RMQ-PUB-POST-PROCESSOR",
                RefusedReason::NameTooLong => "RMQ-PUB-NAME-TOO-LONG",
                RefusedReason::TooLarge => "RMQ-PUB-TOO-LARGE",
                RefusedReason::Headers => "RMQ-PUB-HEADERS",
                RefusedReason::WindowFull => "RMQ-PUB-WINDOW-FULL",
                RefusedReason::Blocked => "RMQ-PUB-BLOCKED",
                RefusedReason::NotConnected => "RMQ-PUB-NOT-CONNECTED",
                RefusedReason::ShuttingDown => "RMQ-PUB-SHUTTING-DOWN",
                RefusedReason::Broker => "RMQ-PUB-REFUSED",
            },
        }
    }

    /// Whether the same publish may succeed later without anybody changing anything. A second copy is possible
    /// after `Nacked` and `Unknown`.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.0.kind {
            PublishErrorKind::Returned => false,
            PublishErrorKind::Nacked | PublishErrorKind::Unknown => true,
            PublishErrorKind::Refused(reason) => match reason {
                RefusedReason::WindowFull
                | RefusedReason::Blocked
                | RefusedReason::NotConnected => true,
                RefusedReason::Broker => {
                    let code = self.0.reply.as_ref().map_or(0, |(code, _)| *code);
                    transient_reply(code)
                }
                _ => false,
            },
        }
    }

    /// The message's id. Empty where it was refused before it got one.
    #[must_use]
    pub fn message_id(&self) -> &str {
        &self.0.message_id
    }

    /// The whole message; `None` only when the value could not be converted into one.
    #[must_use]
    pub const fn message(&self) -> Option<&Message> {
        self.0.message.as_ref()
    }

    /// The whole message, owned, to be sent again or kept.
    #[must_use]
    pub fn into_message(self) -> Option<Message> {
        self.0.message
    }

    /// The broker's code and words, where it said something: 312 NO_ROUTE, 404 NOT_FOUND and so on.
    #[must_use]
    pub fn reply(&self) -> Option<(u16, &str)> {
        self.0.reply.as_ref().map(|(code, text)| (*code, &**text))
    }

    /// What happened, in words.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.0.cause
    }

    /// The exchange it was for.
    #[must_use]
    pub fn exchange(&self) -> &str {
        &self.0.exchange
    }

    /// The routing key it was for.
    #[must_use]
    pub fn routing_key(&self) -> &str {
        &self.0.routing_key
    }

    /// How often it was sent; 0 when it never left this program.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether a copy, under the same message id, may be in a queue.
    #[must_use]
    pub const fn possible_duplicate(&self) -> bool {
        self.0.possible_duplicate
    }

    const fn advice(&self) -> &'static str {
        match self.0.kind {
            PublishErrorKind::Returned => {
                "It is in no queue. Bind a queue for this routing key, then send it again"
            }
            PublishErrorKind::Nacked => {
                "Another matched queue may hold it. Make room in the queue that refused, then send it again under the same id"
            }
            PublishErrorKind::Unknown => {
                "It may be in a queue. Send it again under the same id where a duplicate is harmless"
            }
            PublishErrorKind::Refused(reason) => match reason {
                RefusedReason::Conversion => "Nothing was sent. Mend the value or its Serialize",
                RefusedReason::PostProcessor => "Nothing was sent. Mend the post processor",
                RefusedReason::NameTooLong => "Nothing was sent. Shorten the name",
                RefusedReason::TooLarge => {
                    "Nothing was sent. Send less, or raise publisher.max-message-size and the broker's max_message_size"
                }
                RefusedReason::Headers => {
                    "Nothing was sent. Send fewer or flatter headers, or put them into the body"
                }
                RefusedReason::WindowFull
                | RefusedReason::Blocked
                | RefusedReason::NotConnected => "Nothing was sent. Send it again later",
                RefusedReason::ShuttingDown => {
                    "Nothing was sent. Send it again from the next start"
                }
                RefusedReason::Broker => {
                    "It is in no queue unless an earlier copy was. Mend what the broker names, then send it again"
                }
            },
        }
    }
}

/// Whether the same publish may succeed after this reply of the broker without anybody changing anything:
/// a missing exchange may appear, a refused right or a body over the limit will not mend itself.
pub(super) const fn transient_reply(code: u16) -> bool {
    !matches!(code, 403 | 406 | 501..=505 | 530)
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = &*self.0;
        f.write_str("publish ")?;
        if !parts.message_id.is_empty() {
            write!(f, "of message {} ", parts.message_id)?;
        }
        let exchange = if parts.exchange.is_empty() {
            "the default exchange"
        } else {
            &parts.exchange
        };
        write!(
            f,
            "to {exchange} with routing key `{}` ended as {}: {}. {}.",
            parts.routing_key,
            parts.kind.outcome(),
            parts.cause,
            self.advice()
        )
    }
}

impl fmt::Debug for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} [{}]", self.code())
    }
}

impl std::error::Error for PublishError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source: &(dyn std::error::Error + 'static) = self.0.source.as_deref()?;
        Some(source)
    }
}

impl OperationError for PublishError {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn is_transient(&self) -> bool {
        self.is_transient()
    }
}
