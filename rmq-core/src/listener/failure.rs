//! Why a delivery could not be handled.

use std::any::Any;
use std::fmt;
use std::time::Duration;

use crate::error::BoxError;
use crate::handler::{Failure, FailureKind, Rejection};

/// Why a delivery could not be handled, and how often it was tried.
#[derive(Debug)]
pub struct FailedDelivery {
    error: BoxError,
    kind: FailureKind,
    attempts: u32,
}

impl FailedDelivery {
    pub(super) fn of(failure: Failure, attempts: u32) -> Self {
        Self {
            kind: failure.kind(),
            error: failure.into_error(),
            attempts,
        }
    }

    /// One that another attempt cannot mend.
    pub(super) fn fatal(error: impl Into<BoxError>, attempts: u32) -> Self {
        Self {
            error: error.into(),
            kind: FailureKind::Fatal,
            attempts,
        }
    }

    /// The error: the handler's, or ours where the handler was not called.
    #[must_use]
    pub fn error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
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
        let mut said = self.error.to_string();
        f.write_str(&said)?;
        let mut source = self.error.source();
        for _ in 0..16 {
            let Some(next) = source else { break };
            let text = next.to_string();
            if !said.contains(&text) {
                write!(f, ": {text}")?;
                said = text;
            }
            source = next.source();
        }
        Ok(())
    }
}

/// The handler panicked.
#[derive(Debug, thiserror::Error)]
#[error("the handler panicked: {0}")]
pub struct HandlerPanicked(String);

impl HandlerPanicked {
    pub(super) fn of(panic: &(dyn Any + Send)) -> Self {
        let text = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self(text.unwrap_or("without a message").to_owned())
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
