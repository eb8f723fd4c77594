//! How many deliveries a consumer may hold, given how long its handler takes.
//!
//! The broker closes a channel on which a delivery stays unsettled beyond its `consumer_timeout`, and then delivers
//! everything on it again, for ever. So nothing may wait unstarted for longer than a third of that time: what would,
//! is handed back, and the consumer starts again with a prefetch that its handler finishes.
//!
//! Each such restart costs: a delivery that is on its way while the consumer is cancelled is returned by RabbitMQ itself,
//! and a quorum queue counts that (`rabbit_fifo_client`, 3.10 and 4.0). So what is planned fills two thirds of the time only,
//! and a handler must get half as slow again before there is another restart.

use std::time::Duration;

/// One consumer's pace. Pure: whoever owns it does what it says.
#[derive(Debug)]
pub(super) struct Pacing {
    /// A third of the consumer timeout.
    patience: Duration,
    configured: u16,
    current: u16,
    /// Queues consumed at once: the broker grants the prefetch to each.
    queues: u32,
    /// Mean handling time, the newest quarter weighing as much as all before.
    mean: Duration,
    since_change: u32,
}

/// The consumer is to be restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// The prefetch to start with.
    pub(super) prefetch: u16,
    /// How many of the unstarted deliveries it can still finish in time; the rest goes back.
    pub(super) keep: usize,
}

impl Pacing {
    pub(super) fn new(consumer_timeout: Duration, prefetch: u16, queues: usize) -> Self {
        Self {
            patience: consumer_timeout / 3,
            configured: prefetch.max(1),
            current: prefetch.max(1),
            queues: u32::try_from(queues.max(1)).unwrap_or(u32::MAX),
            mean: Duration::ZERO,
            since_change: 0,
        }
    }

    pub(super) const fn prefetch(&self) -> u16 {
        self.current
    }

    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }

    /// Takes note of one handling, retries and their waits included.
    pub(super) fn handled(&mut self, took: Duration) {
        self.mean = if self.mean.is_zero() {
            took
        } else {
            self.mean * 3 / 4 + took / 4
        };
        self.since_change = self.since_change.saturating_add(1);
    }

    /// What to change, if anything, with so many unstarted deliveries of which the oldest came so long ago.
    pub(super) fn check(&mut self, unstarted: usize, oldest: Duration) -> Option<Change> {
        if unstarted > 0
            && (oldest > self.patience || self.needs(unstarted) > self.patience - oldest)
        {
            return self.slow_down(oldest);
        }
        self.speed_up(unstarted)
    }

    /// A handler has run so long that what waits behind it is too old: only one delivery at a time from now on.
    pub(super) fn stuck(&mut self) -> Change {
        self.current = 1;
        self.since_change = 0;
        Change {
            prefetch: 1,
            keep: 0,
        }
    }

    fn needs(&self, deliveries: usize) -> Duration {
        self.mean
            .saturating_mul(u32::try_from(deliveries).unwrap_or(u32::MAX))
    }

    /// What is planned for; the rest is for handling times that vary.
    fn planned(&self) -> Duration {
        self.patience * 2 / 3
    }

    /// A full prefetch that arrives behind another full prefetch is still finished as planned.
    fn affordable(&self) -> u16 {
        let mean = self.mean.as_nanos().max(1);
        let each = self.planned().as_nanos() / (mean * 2) / u128::from(self.queues);
        u16::try_from(each)
            .unwrap_or(u16::MAX)
            .clamp(1, self.configured)
    }

    fn slow_down(&mut self, oldest: Duration) -> Option<Change> {
        let prefetch = self.affordable().min(self.current.div_ceil(2));
        if self.current == 1 && oldest <= self.patience {
            return None;
        }
        let left = self.planned().saturating_sub(oldest).as_nanos();
        let can = usize::try_from(left / self.mean.as_nanos().max(1)).unwrap_or(usize::MAX);
        // What the new consumer brings takes their time, too.
        let brings = usize::from(prefetch) * self.queues as usize;
        self.current = prefetch;
        self.since_change = 0;
        Some(Change {
            prefetch,
            keep: can.saturating_sub(brings),
        })
    }

    /// Back towards what was configured, once the handler has been fast for four prefetches. By doubling: less is not worth a
    /// restart.
    fn speed_up(&mut self, unstarted: usize) -> Option<Change> {
        if self.current >= self.configured || self.since_change < u32::from(self.current) * 4 {
            return None;
        }
        let prefetch = self.current.saturating_mul(2).min(self.configured);
        if prefetch > self.affordable() {
            return None;
        }
        self.current = prefetch;
        self.since_change = 0;
        Some(Change {
            prefetch,
            keep: unstarted,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::VecDeque;
    use std::iter;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_fast_handler_keeps_its_prefetch() {
        let mut pacing = Pacing::new(30 * MINUTE, 250, 1);
        for _ in 0..2_000 {
            pacing.handled(Duration::from_millis(2));
            assert_eq!(pacing.check(249, Duration::from_millis(600)), None);
        }
        assert_eq!(pacing.prefetch(), 250);
    }

    /// A queue that is never empty, and its consumer: when each unstarted delivery came, and from which restart.
    struct Busy {
        pacing: Pacing,
        now: Duration,
        unstarted: VecDeque<(Duration, usize)>,
        restarts: usize,
        longest_wait: Duration,
    }

    impl Busy {
        fn new(consumer_timeout: Duration, prefetch: u16, queues: usize) -> Self {
            let mut busy = Self {
                pacing: Pacing::new(consumer_timeout, prefetch, queues),
                now: Duration::ZERO,
                unstarted: VecDeque::new(),
                restarts: 0,
                longest_wait: Duration::ZERO,
            };
            busy.arrive(usize::from(prefetch) * queues);
            busy
        }

        fn arrive(&mut self, deliveries: usize) {
            let arrived = (self.now, self.restarts);
            self.unstarted.extend(iter::repeat_n(arrived, deliveries));
        }

        fn handle(&mut self, takes: Duration) {
            let (came, from) = self.unstarted.pop_front().unwrap();
            self.longest_wait = self.longest_wait.max(self.now - came);
            self.now += takes;
            // The ack makes room for one more, if its consumer is still there.
            self.arrive(usize::from(from == self.restarts));
            self.pacing.handled(takes);
            let oldest = self.unstarted.front();
            let age = oldest.map_or(Duration::ZERO, |(came, _)| self.now - *came);
            let Some(change) = self.pacing.check(self.unstarted.len(), age) else {
                return;
            };
            self.restarts += 1;
            self.unstarted.truncate(change.keep);
            self.arrive(usize::from(change.prefetch) * self.pacing.queues as usize);
        }
    }

    #[test]
    fn a_steady_handler_costs_few_restarts_and_nothing_waits_beyond_the_patience() {
        for (takes, prefetch, queues) in
            [(500, 250, 1), (2_000, 250, 1), (300, 250, 3), (90, 250, 1)]
        {
            let mut busy = Busy::new(MINUTE, prefetch, queues);
            for n in 0..2_000_u64 {
                // A fifth more or less.
                let takes = Duration::from_millis(takes * (80 + n * 7 % 41) / 100);
                busy.handle(takes);
            }
            assert!(busy.longest_wait <= MINUTE / 3, "{:?}", busy.longest_wait);
            assert!(busy.restarts <= 3, "{takes} ms: {} restarts", busy.restarts);
        }
    }

    #[test]
    fn sixteen_seconds_each_keep_only_what_ten_minutes_can_hold() {
        let mut pacing = Pacing::new(30 * MINUTE, 250, 1);
        pacing.handled(Duration::from_secs(16));
        let change = pacing.check(249, Duration::from_secs(16)).unwrap();
        // 384 of 400 planned seconds are left: 24, of which the new consumer brings 12.
        assert_eq!((change.keep, change.prefetch), (12, 12));
    }

    #[test]
    fn one_slow_handling_among_fast_ones_changes_nothing() {
        let mut pacing = Pacing::new(30 * MINUTE, 250, 1);
        for _ in 0..10 {
            pacing.handled(Duration::from_millis(5));
        }
        pacing.handled(Duration::from_secs(3));
        assert_eq!(pacing.check(249, Duration::from_secs(4)), None);
    }

    #[test]
    fn several_queues_share_the_time() {
        let mut pacing = Pacing::new(30 * MINUTE, 250, 3);
        pacing.handled(Duration::from_secs(16));
        assert_eq!(
            pacing.check(749, Duration::from_secs(16)).unwrap().prefetch,
            4
        );
    }

    #[test]
    fn a_stuck_handler_lets_nothing_wait_behind_it() {
        let mut pacing = Pacing::new(MINUTE, 250, 1);
        assert_eq!(
            pacing.stuck(),
            Change {
                prefetch: 1,
                keep: 0
            }
        );
        assert_eq!(pacing.prefetch(), 1);
    }

    #[test]
    fn it_speeds_up_again_when_the_handler_is_fast_again() {
        let mut pacing = Pacing::new(MINUTE, 64, 1);
        pacing.handled(Duration::from_secs(10));
        assert_eq!(
            pacing.check(63, Duration::from_secs(10)).unwrap().prefetch,
            1
        );
        let mut seen = vec![pacing.prefetch()];
        for _ in 0..2_000 {
            pacing.handled(Duration::from_millis(1));
            if let Some(change) = pacing.check(0, Duration::ZERO) {
                seen.push(change.prefetch);
            }
        }
        assert_eq!(seen, [1, 2, 4, 8, 16, 32, 64]);
    }

    #[test]
    fn at_a_prefetch_of_one_there_is_nothing_left_to_lower() {
        let mut pacing = Pacing::new(MINUTE, 1, 1);
        pacing.handled(Duration::from_secs(50));
        assert_eq!(pacing.check(0, Duration::ZERO), None);
    }
}
