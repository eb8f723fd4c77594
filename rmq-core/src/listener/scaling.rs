//! When a listener gets another consumer, and when it gives one up: Spring's active and idle triggers.

use std::time::Duration;

use tokio::time::Instant;

/// Between how many consumers a listener moves, and what moves it. Only where `max` is above `min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScalingSettings {
    /// Consumers at start; at least 1. Default 1.
    pub min: usize,
    /// Consumers at most. Default as `min`.
    pub max: usize,
    /// Deliveries in a row, none later than a cycle after the one before, until another consumer starts. Default 10.
    pub consecutive_active_trigger: u32,
    /// Idle cycles in a row until a consumer stops. Default 10.
    pub consecutive_idle_trigger: u32,
    /// Least time between two starts. Default 10 s.
    pub start_consumer_min_interval: Duration,
    /// Least time between two stops. Default 60 s.
    pub stop_consumer_min_interval: Duration,
    /// Length of a cycle (Spring's `receiveTimeout`). Default 1 s.
    pub cycle: Duration,
}

impl ScalingSettings {
    /// A fixed number of consumers, or a range, with Spring's triggers.
    #[must_use]
    pub const fn between(min: usize, max: usize) -> Self {
        Self {
            min,
            max,
            consecutive_active_trigger: 10,
            consecutive_idle_trigger: 10,
            start_consumer_min_interval: Duration::from_secs(10),
            stop_consumer_min_interval: Duration::from_secs(60),
            cycle: Duration::from_secs(1),
        }
    }

    /// Whether it moves at all.
    #[must_use]
    pub const fn is_elastic(&self) -> bool {
        self.max > self.min
    }
}

impl Default for ScalingSettings {
    fn default() -> Self {
        Self::between(1, 1)
    }
}

/// One consumer's own count of cycles.
#[derive(Debug, Default)]
pub(super) struct Cycles {
    active: u32,
    idle: u32,
    last: Option<Instant>,
}

impl Cycles {
    /// A delivery was taken. True when another consumer is wanted.
    pub(super) fn active(&mut self, settings: &ScalingSettings, now: Instant) -> bool {
        let in_a_row = self
            .last
            .is_some_and(|last| now.saturating_duration_since(last) <= settings.cycle);
        self.last = Some(now);
        self.idle = 0;
        self.active = if in_a_row {
            self.active.saturating_add(1)
        } else {
            1
        };
        if self.active > settings.consecutive_active_trigger {
            self.active = 0;
            return true;
        }
        false
    }

    /// A cycle passed without a delivery. True when this consumer is not wanted.
    pub(super) fn idle(&mut self, settings: &ScalingSettings) -> bool {
        self.active = 0;
        self.idle = self.idle.saturating_add(1);
        if self.idle > settings.consecutive_idle_trigger {
            self.idle = 0;
            return true;
        }
        false
    }
}

/// What a listener did last; it decides over its consumers' wishes.
#[derive(Debug, Default)]
pub(super) struct Scaling {
    started: Option<Instant>,
    stopped: Option<Instant>,
}

impl Scaling {
    /// Whether one more may start, with so many there.
    pub(super) fn may_start(
        &mut self,
        settings: &ScalingSettings,
        there: usize,
        now: Instant,
    ) -> bool {
        let rested = rested(self.started, settings.start_consumer_min_interval, now);
        let may = there < settings.max && rested;
        if may {
            self.started = Some(now);
        }
        may
    }

    /// Whether one may stop, with so many there.
    pub(super) fn may_stop(
        &mut self,
        settings: &ScalingSettings,
        there: usize,
        now: Instant,
    ) -> bool {
        let rested = rested(self.stopped, settings.stop_consumer_min_interval, now);
        let may = there > settings.min && rested;
        if may {
            self.stopped = Some(now);
        }
        may
    }
}

fn rested(last: Option<Instant>, interval: Duration, now: Instant) -> bool {
    last.is_none_or(|last| now.saturating_duration_since(last) >= interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> ScalingSettings {
        ScalingSettings::between(2, 4)
    }

    #[test]
    fn deliveries_in_a_row_ask_for_another_consumer_a_gap_starts_over() {
        let (settings, start) = (settings(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        let mut cycles = Cycles::default();
        let asked: Vec<bool> = (0..10)
            .map(|n| cycles.active(&settings, at(n * 100)))
            .collect();
        assert!(!asked.contains(&true));
        assert!(cycles.active(&settings, at(1_000)));

        for n in 0..9 {
            assert!(!cycles.active(&settings, at(2_000 + n)));
        }
        assert!(
            !cycles.active(&settings, at(4_000)),
            "a gap of more than a cycle"
        );
    }

    #[test]
    fn idle_cycles_in_a_row_give_a_consumer_up() {
        let settings = settings();
        let mut cycles = Cycles::default();
        for _ in 0..10 {
            assert!(!cycles.idle(&settings));
        }
        cycles.active(&settings, Instant::now());
        for _ in 0..10 {
            assert!(!cycles.idle(&settings));
        }
        assert!(cycles.idle(&settings));
    }

    #[test]
    fn starts_and_stops_keep_their_distance_and_their_bounds() {
        let (settings, now) = (settings(), Instant::now());
        let later = |s| now + Duration::from_secs(s);
        let mut scaling = Scaling::default();
        assert!(scaling.may_start(&settings, 2, now));
        assert!(!scaling.may_start(&settings, 3, later(9)));
        assert!(scaling.may_start(&settings, 3, later(10)));
        assert!(
            !scaling.may_start(&settings, 4, later(60)),
            "at the maximum"
        );
        assert!(scaling.may_stop(&settings, 4, later(60)));
        assert!(!scaling.may_stop(&settings, 3, later(119)));
        assert!(scaling.may_stop(&settings, 3, later(120)));
        assert!(
            !scaling.may_stop(&settings, 2, later(600)),
            "at the minimum"
        );
    }
}
