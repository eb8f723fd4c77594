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
    /// Mean handling time, the newest weighing a quarter; at least half of the newest.
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
            // A handler that turns slow is believed at once: what waits behind it was let in for a fast one.
            (self.mean * 3 / 4 + took / 4).max(took / 2)
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
        self.speed_up()
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

    /// Consumers are about to start: with no more than is known to be affordable by now.
    pub(super) fn settle(&mut self) {
        if !self.mean.is_zero() {
            self.current = self.current.min(self.affordable());
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
    fn speed_up(&mut self) -> Option<Change> {
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
            // What comes until the cancel is read, too.
            keep: usize::MAX,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::{HashSet, VecDeque};

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

    /// A queue that is never empty, and its consumer, which does what the pacing says as a session does.
    struct Busy {
        pacing: Pacing,
        now: Duration,
        /// When each came, to which consumer, and which message it is.
        unstarted: VecDeque<(Duration, usize, u64)>,
        /// The consumer of now, if it is not cancelled.
        consumer: Option<usize>,
        /// When so few are unstarted the next one starts.
        recall_at: Option<usize>,
        /// What the queue hands out first.
        returned: VecDeque<u64>,
        noted: HashSet<u64>,
        messages: u64,
        restarts: usize,
        longest_wait: Duration,
    }

    impl Busy {
        fn new(consumer_timeout: Duration, prefetch: u16, queues: usize) -> Self {
            let mut busy = Self {
                pacing: Pacing::new(consumer_timeout, prefetch, queues),
                now: Duration::ZERO,
                unstarted: VecDeque::new(),
                consumer: None,
                recall_at: None,
                returned: VecDeque::new(),
                noted: HashSet::new(),
                messages: 0,
                restarts: 0,
                longest_wait: Duration::ZERO,
            };
            busy.consume();
            busy
        }

        fn consume(&mut self) {
            self.pacing.settle();
            self.consumer = Some(self.restarts);
            let brings = usize::from(self.pacing.prefetch()) * self.pacing.queues as usize;
            for _ in 0..brings {
                self.arrive();
            }
        }

        fn arrive(&mut self) {
            let message = self.returned.pop_front().unwrap_or_else(|| {
                self.messages += 1;
                self.messages
            });
            self.unstarted.push_back((self.now, self.restarts, message));
        }

        fn handle(&mut self, takes: Duration) {
            let (came, to, _) = self.unstarted.pop_front().unwrap();
            self.longest_wait = self.longest_wait.max(self.now - came);
            self.now += takes;
            if self.consumer == Some(to) {
                // The ack makes room for one more.
                self.arrive();
            }
            self.pacing.handled(takes);
            if self.recall_at.is_none() {
                let oldest = self.unstarted.front();
                let age = oldest.map_or(Duration::ZERO, |(came, ..)| self.now - *came);
                if let Some(change) = self.pacing.check(self.unstarted.len(), age) {
                    self.restart(change);
                }
            }
            let waiting = self.unstarted.len();
            if self.recall_at.take_if(|at| waiting <= *at).is_some() {
                self.consume();
            }
        }

        fn restart(&mut self, change: Change) {
            self.restarts += 1;
            self.consumer = None;
            let keep = change.keep.min(self.unstarted.len());
            for delivery in self.unstarted.split_off(keep) {
                if self.noted.insert(delivery.2) {
                    self.returned.push_back(delivery.2);
                } else {
                    self.unstarted.push_back(delivery);
                }
            }
            self.recall_at = Some(change.keep);
        }
    }

    /// A fifth more or less.
    fn about(millis: u64, n: u64) -> Duration {
        Duration::from_millis(millis * (80 + n * 7 % 41) / 100)
    }

    #[test]
    fn a_steady_handler_costs_few_restarts_and_nothing_waits_beyond_the_patience() {
        for (takes, prefetch, queues) in
            [(500, 250, 1), (2_000, 250, 1), (300, 250, 3), (90, 250, 1)]
        {
            let mut busy = Busy::new(MINUTE, prefetch, queues);
            for n in 0..2_000 {
                busy.handle(about(takes, n));
            }
            assert!(busy.longest_wait <= MINUTE / 3, "{:?}", busy.longest_wait);
            assert!(busy.restarts <= 3, "{takes} ms: {} restarts", busy.restarts);
        }
    }

    #[test]
    fn a_handler_that_turns_slow_costs_few_restarts_and_nothing_waits_for_the_consumer_timeout() {
        for (timeout, fast, slow) in [
            (30 * MINUTE, 5, 16_000),
            (30 * MINUTE, 5, 10_000),
            (30 * MINUTE, 50, 5_000),
            (MINUTE, 5, 500),
        ] {
            let mut busy = Busy::new(timeout, 250, 1);
            for n in 0..1_500 {
                busy.handle(about(if n < 500 { fast } else { slow }, n));
            }
            let wait = busy.longest_wait;
            assert!(wait <= timeout * 2 / 3, "{fast} to {slow} ms: {wait:?}");
            assert!(
                busy.restarts <= 5,
                "{fast} to {slow} ms: {} restarts",
                busy.restarts
            );
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
                assert_eq!(change.keep, usize::MAX, "nothing goes back");
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
