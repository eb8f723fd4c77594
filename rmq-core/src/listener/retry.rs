//! How often, and when, a failed delivery is handled again in the process.

use std::time::Duration;

/// The retry of a listener (`listener.simple.retry`, `retry(...)` of the attribute).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetrySettings {
    /// How often a delivery is handled at most, the first time included; at least 1. Default 3.
    pub attempts: u32,
    /// Wait before the second attempt. Default 1 s.
    pub initial_interval: Duration,
    /// By what each further wait grows. Default 2.
    pub multiplier: f64,
    /// The longest wait. Default 10 s.
    pub max_interval: Duration,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            attempts: 3,
            initial_interval: Duration::from_secs(1),
            multiplier: 2.0,
            max_interval: Duration::from_secs(10),
        }
    }
}

impl RetrySettings {
    /// The wait after the `failed`th failure, counted from 1.
    pub(super) fn interval(&self, failed: u32) -> Duration {
        let grown = self.initial_interval.as_secs_f64()
            * self
                .multiplier
                .max(1.0)
                .powi(i32::try_from(failed.saturating_sub(1)).unwrap_or(i32::MAX));
        if grown.is_finite() && grown < self.max_interval.as_secs_f64() {
            Duration::from_secs_f64(grown)
        } else {
            self.max_interval
        }
    }
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Handle it again after this wait.
    After(Duration),
    /// No further attempt: every one is used.
    Spent,
    /// No further attempt: the next one would come so late that the broker might take the delivery away.
    TooLate,
}

/// Decides after the `failed`th failure, `since_first` after the first attempt began.
///
/// `budget` bounds the whole retrying: a third of the broker's consumer timeout.
pub(super) fn after_failure(
    settings: &RetrySettings,
    failed: u32,
    asked_for: Option<Duration>,
    since_first: Duration,
    budget: Duration,
) -> Next {
    if failed >= settings.attempts {
        return Next::Spent;
    }
    let wait = asked_for.unwrap_or_else(|| settings.interval(failed));
    if since_first.saturating_add(wait) > budget {
        return Next::TooLate;
    }
    Next::After(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn waits_grow_to_the_longest_and_end_with_the_attempts() {
        let settings = RetrySettings {
            attempts: 7,
            ..RetrySettings::default()
        };
        let after = |failed| after_failure(&settings, failed, None, seconds(0), seconds(600));
        let waits: Vec<Next> = (1..=7).map(after).collect();
        let expected = [1, 2, 4, 8, 10, 10].map(|s| Next::After(seconds(s)));
        assert_eq!(waits[..6], expected);
        assert_eq!(waits[6], Next::Spent);
    }

    #[test]
    fn a_huge_count_neither_overflows_nor_shrinks_the_wait() {
        let settings = RetrySettings::default();
        assert_eq!(settings.interval(u32::MAX), seconds(10));
        let flat = RetrySettings {
            multiplier: 0.0,
            ..settings
        };
        assert_eq!(flat.interval(5), seconds(1));
    }

    #[test]
    fn an_interval_asked_for_wins_but_not_over_the_budget() {
        let settings = RetrySettings::default();
        let asked = |wait| after_failure(&settings, 1, Some(wait), seconds(5), seconds(60));
        assert_eq!(asked(seconds(30)), Next::After(seconds(30)));
        assert_eq!(asked(seconds(56)), Next::TooLate);
        assert_eq!(asked(Duration::MAX), Next::TooLate);
    }

    #[test]
    fn one_attempt_means_no_retry() {
        let settings = RetrySettings {
            attempts: 1,
            ..RetrySettings::default()
        };
        assert_eq!(
            after_failure(&settings, 1, None, seconds(0), seconds(60)),
            Next::Spent
        );
    }
}
