use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::error::BoxError;

/// An error after which the message is not tried again: it is dead-lettered at once.
///
/// Found anywhere in the chain of the error that a handler returns.
///
/// ```
/// use rmq_core::handler::Fatal;
///
/// fn parse(text: &str) -> Result<u32, Fatal> {
///     text.parse().map_err(Fatal::new)
/// }
/// ```
#[derive(Debug)]
pub struct Fatal(FatalCause);

/// An error after which the message is tried again, after this time instead of the back-off's. The attempt counts.
///
/// Found anywhere in the chain of the error that a handler returns.
#[derive(Debug)]
pub struct RetryAfter(RetryAfterCause);

// The wrapped error hides behind a cause of our own, one step down the chain. A type that passes `source()` through
// (thiserror's `transparent`, anyhow's boxes) hides the wrapper itself; the step below it stays visible.

#[derive(Debug)]
struct FatalCause(BoxError);

#[derive(Debug)]
struct RetryAfterCause {
    after: Duration,
    error: BoxError,
}

impl Fatal {
    /// Makes an error fatal.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self(FatalCause(error.into()))
    }
}

impl RetryAfter {
    /// Tries again after this time.
    pub fn new(after: Duration, error: impl Into<BoxError>) -> Self {
        Self(RetryAfterCause {
            after,
            error: error.into(),
        })
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not to be tried again: {}", self.0)
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "to be tried again after {:?}: {}", self.0.after, self.0)
    }
}

impl fmt::Display for FatalCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for RetryAfterCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Fatal {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl Error for RetryAfter {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl Error for FatalCause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl Error for RetryAfterCause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// The error in a function's `Result`: whatever becomes a boxed error.
#[diagnostic::on_unimplemented(
    message = "a listener or callback cannot fail with `{Self}`",
    label = "`{Self}` is not an error",
    note = "implement `std::error::Error` for `{Self}`, which `#[derive(thiserror::Error)]` does (it has to be `Send + Sync + 'static`), or fail with a `String` or a boxed error"
)]
pub trait HandlerError {
    /// The error, in a box.
    fn into_box(self) -> BoxError;
}

// Else the compiler tells of `std::error::Error` for the box, and not what is asked of the user.
#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> HandlerError for E {
    fn into_box(self) -> BoxError {
        self.into()
    }
}

/// What a failed attempt says about the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Tried again after the back-off, while attempts are left.
    Retryable,
    /// Tried again after this time, while attempts are left.
    RetryAfter(Duration),
    /// Not tried again.
    Fatal,
}

/// A handler's error, judged.
#[derive(Debug)]
pub struct Failure {
    error: BoxError,
    kind: FailureKind,
}

impl Failure {
    /// Judges an error by its chain: the first [`Fatal`] or [`RetryAfter`] decides; without one it is retryable.
    #[must_use]
    pub fn of(error: BoxError) -> Self {
        let kind = judge(&*error);
        Self { error, kind }
    }

    /// A failure that is fatal whatever its error says.
    #[must_use]
    pub fn fatal(error: impl Into<BoxError>) -> Self {
        Self {
            error: error.into(),
            kind: FailureKind::Fatal,
        }
    }

    /// What it says about the next attempt.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The handler's error.
    #[must_use]
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }

    /// The handler's error, owned.
    #[must_use]
    pub fn into_error(self) -> BoxError {
        self.error
    }
}

/// Chains are as long as their authors nest them; one that never ends must not hold a consumer.
const CHAIN_LIMIT: usize = 64;

fn judge(error: &(dyn Error + 'static)) -> FailureKind {
    let mut next = Some(error);
    for _ in 0..CHAIN_LIMIT {
        let Some(error) = next else { break };
        if let Some(kind) = verdict(error) {
            return kind;
        }
        next = error.source();
    }
    FailureKind::Retryable
}

fn verdict(error: &(dyn Error + 'static)) -> Option<FailureKind> {
    if error.is::<Fatal>() || error.is::<FatalCause>() {
        return Some(FailureKind::Fatal);
    }
    let retry = match error.downcast_ref::<RetryAfter>() {
        Some(RetryAfter(cause)) => Some(cause),
        None => error.downcast_ref::<RetryAfterCause>(),
    };
    retry.map(|cause| FailureKind::RetryAfter(cause.after))
}
