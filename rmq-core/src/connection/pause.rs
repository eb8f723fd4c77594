//! How long to wait before the next round over the addresses.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use super::BackOff;

/// An endless, jittered sequence of waits.
#[derive(Debug)]
pub(super) struct Pauses {
    settings: BackOff,
    sequence: ExponentialBackoff,
    resumed: bool,
}

impl Pauses {
    pub(super) fn new(settings: BackOff) -> Self {
        Self {
            settings,
            sequence: sequence(settings),
            resumed: false,
        }
    }

    /// The next wait: half the step and a random part of the other half, so that a thousand clients do not come back
    /// at once, and none waits longer than the longest wait.
    pub(super) fn next(&mut self) -> Duration {
        // The sequence has no end; its longest wait stands in, so that no bug can turn this into a hot loop.
        let step = self.sequence.next().unwrap_or(self.settings.max);
        step.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// Whether the last link lived too short to be called recovered: the next try must wait, too.
    pub(super) const fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Begins again, if the link lived long enough to call it recovered. A broker that accepts and drops at once is
    /// not, and must not be hammered.
    pub(super) fn lived(&mut self, lifetime: Duration) {
        self.resumed = lifetime < self.settings.max;
        if !self.resumed {
            self.sequence = sequence(self.settings);
        }
    }
}

fn sequence(settings: BackOff) -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(settings.initial.max(Duration::from_millis(1)))
        .with_max_delay(settings.max.max(settings.initial))
        .with_factor(settings.multiplier.max(1.0))
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> BackOff {
        BackOff {
            initial: Duration::from_millis(100),
            max: Duration::from_secs(2),
            multiplier: 2.0,
        }
    }

    #[test]
    fn waits_grow_with_jitter_up_to_the_bound_and_never_end() {
        let mut pauses = Pauses::new(settings());
        let mut step = Duration::from_millis(100);
        for _ in 0..10_000 {
            let pause = pauses.next();
            assert!(pause >= step / 2 && pause <= step, "{pause:?} at {step:?}");
            step = (step * 2).min(Duration::from_secs(2));
        }
    }

    #[test]
    fn only_a_link_that_lived_begins_the_sequence_again() {
        let mut pauses = Pauses::new(settings());
        for _ in 0..8 {
            pauses.next();
        }
        pauses.lived(Duration::from_millis(500));
        assert!(pauses.next() >= Duration::from_secs(1));
        pauses.lived(Duration::from_secs(2));
        assert!(pauses.next() <= Duration::from_millis(100));
    }
}
