//! Deadlines: every wait in the house takes one.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// The moment at which a wait ends without success. Passed down unchanged, so that nested waits share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

/// A wait reached its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deadline passed")]
pub struct Elapsed;

/// "For ever" for people: what a property of zero means where zero means no limit.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

impl Deadline {
    /// So long from now.
    #[must_use]
    pub fn after(duration: Duration) -> Self {
        Self::behind(Instant::now(), duration)
    }

    /// So long after a moment.
    #[must_use]
    pub fn behind(moment: Instant, duration: Duration) -> Self {
        Self(moment.checked_add(duration).unwrap_or(moment + FOR_EVER))
    }

    /// So long from now, where zero means no limit.
    #[must_use]
    pub fn after_or_never(duration: Duration) -> Self {
        if duration.is_zero() {
            Self::after(FOR_EVER)
        } else {
            Self::after(duration)
        }
    }

    /// At a moment.
    #[must_use]
    pub const fn at(moment: Instant) -> Self {
        Self(moment)
    }

    /// The moment.
    #[must_use]
    pub const fn instant(self) -> Instant {
        self.0
    }

    /// The earlier of two.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// What is left, zero when it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    #[must_use]
    pub fn has_passed(self) -> bool {
        self.0 <= Instant::now()
    }

    /// Runs a future until the deadline.
    ///
    /// # Cancel safety
    /// The future is dropped at the deadline: give it only futures that may be dropped.
    ///
    /// # Errors
    /// [`Elapsed`] when the deadline came first.
    pub async fn limit<F: Future>(self, future: F) -> Result<F::Output, Elapsed> {
        tokio::time::timeout_at(self.0, future)
            .await
            .map_err(|_| Elapsed)
    }
}
