//! Why a delivery could not be handled.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::error::BoxError;
use crate::handler::{Failure, FailureKind, Rejection};

use super::panicked::{in_words, panic_text};

/// Why a delivery could not be handled, and how often it was tried.
#[derive(Debug)]
pub struct FailedDelivery {
    error: BoxError,
    /// Put into words once: the user's code does it.
    words: String,
    kind: FailureKind,
    attempts: u32,
}

impl FailedDelivery {
    pub(super) fn of(failure: Failure, attempts: u32) -> Self {
        let kind = failure.kind();
        Self::new(failure.into_error(), kind, attempts)
    }

    /// One that another attempt cannot mend.
    pub(super) fn fatal(error: impl Into<BoxError>, attempts: u32) -> Self {
        Self::new(error.into(), FailureKind::Fatal, attempts)
    }

    fn new(error: BoxError, kind: FailureKind, attempts: u32) -> Self {
        Self {
            words: in_words(&*error),
            error,
            kind,
            attempts,
        }
    }

    /// The error: the handler's, or ours where the handler was not called.
    #[must_use]
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }

    /// How often the handler was called, or would have been.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether another attempt could not have helped.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        matches!(self.kind, FailureKind::Fatal)
    }

    pub(super) const fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            FailureKind::RetryAfter(after) => Some(after),
            FailureKind::Retryable | FailureKind::Fatal => None,
        }
    }
}

impl fmt::Display for FailedDelivery {
    /// The error with its sources, each once.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// The handler panicked.
#[derive(Debug, thiserror::Error)]
#[error("the handler panicked: {0}")]
pub struct HandlerPanicked(String);

impl HandlerPanicked {
    pub(super) fn of(panic: &(dyn std::any::Any + Send)) -> Self {
        Self(panic_text(panic).to_owned())
    }
}

/// A handler in manual mode returned success and had not settled its delivery.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "the handler returned without settling its delivery, which acknowledge mode manual asks of it"
)]
pub struct Unsettled;

/// A handler answered a message that names nobody to answer.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the handler answered, but the message has no `reply_to`")]
pub struct NoReplyTo;

impl From<Rejection> for FailedDelivery {
    fn from(rejection: Rejection) -> Self {
        Self::fatal(rejection, 1)
    }
}
