use std::fmt;

use bytestring::ByteString;

use super::CorrelationData;

/// How a publish ended. Exactly one of these, for every message sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PublishOutcome {
    /// The broker has it, in a queue.
    Confirmed,
    /// No queue took it; the broker gave it back.
    Returned,
    /// At least one queue refused it; others may hold it.
    Nacked,
    /// Refused before it was sent, or by the broker with an error.
    Refused,
    /// Nobody knows: the link was lost or the deadline passed.
    Unknown,
}

impl PublishOutcome {
    /// The outcome as a lower-case word, for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Returned => "returned",
            Self::Nacked => "nacked",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for PublishOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What `#[on_confirm]` is told, once for every message sent (Spring's `ConfirmCallback`: correlation data, ack, cause).
#[derive(Debug, Clone)]
pub struct Confirm {
    correlation: CorrelationData,
    outcome: PublishOutcome,
    cause: Option<ByteString>,
}

impl Confirm {
    /// A confirm of these parts.
    #[must_use]
    pub const fn new(
        correlation: CorrelationData,
        outcome: PublishOutcome,
        cause: Option<ByteString>,
    ) -> Self {
        Self {
            correlation,
            outcome,
            cause,
        }
    }

    /// Whether the broker has the message, in a queue: only for [`PublishOutcome::Confirmed`].
    #[must_use]
    pub fn is_ack(&self) -> bool {
        self.outcome == PublishOutcome::Confirmed
    }

    /// Which of the five ends it was.
    #[must_use]
    pub const fn outcome(&self) -> PublishOutcome {
        self.outcome
    }

    /// The correlation data's id; by default the message id.
    #[must_use]
    pub fn correlation_id(&self) -> &str {
        self.correlation.id()
    }

    /// The correlation data.
    #[must_use]
    pub const fn correlation(&self) -> &CorrelationData {
        &self.correlation
    }

    /// Why it is not an ack; `None` for an ack.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }
}
