//! Retries with back-off.

use std::time::Duration;

use super::super::reader::Reader;

/// Retries of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryProperties {
    /// Whether there are any.
    pub enabled: bool,
    /// Attempts after the first.
    pub max_retries: u32,
    /// The wait before the second attempt.
    pub initial_interval: Duration,
    /// The factor from one wait to the next; at least 1.
    pub multiplier: f64,
    /// The longest wait.
    pub max_interval: Duration,
}

impl RetryProperties {
    /// Attempts in all.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        if self.enabled {
            self.max_retries.saturating_add(1)
        } else {
            1
        }
    }

    /// The wait behind the given attempt, counted from 1, without jitter.
    #[must_use]
    pub fn wait_after(&self, attempt: u32) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.initial_interval.as_secs_f64() * self.multiplier.powi(exponent);
        let longest = self.max_interval;
        Duration::try_from_secs_f64(seconds).map_or(longest, |wait| wait.min(longest))
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> RetryProperties {
    let retry = RetryProperties {
        enabled: reader.flag("enabled").is_some_and(|flag| flag.value),
        max_retries: reader
            .whole("max-retries")
            .map(|count| count.value)
            .unwrap_or_default(),
        initial_interval: reader
            .duration("initial-interval")
            .map(|wait| wait.value)
            .unwrap_or_default(),
        multiplier: reader
            .decimal("multiplier")
            .map_or(1.0, |factor| factor.value),
        max_interval: reader
            .duration("max-interval")
            .map(|wait| wait.value)
            .unwrap_or_default(),
    };
    if retry.initial_interval > retry.max_interval {
        let name = if reader.said("max-interval").is_some() {
            "max-interval"
        } else {
            "initial-interval"
        };
        reader.fault(
            name,
            "makes the first wait longer than the longest",
            "keep `initial-interval` below `max-interval`",
        );
    }
    retry
}
