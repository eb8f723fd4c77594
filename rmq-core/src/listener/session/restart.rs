//! Consumers that are cancelled to be started again: with another prefetch, or when memory allows it.
//!
//! The broker deletes an auto-delete queue with its last consumer, and every message in it, also what comes back later.
//! So such a queue gets its next consumer before it loses the one it has, or keeps that one.

use std::time::Duration;

use crate::name::Name;
use crate::time::Deadline;

use super::super::pacing::Change;
use super::{Session, Subscribed};

/// How long a cancel may take; a channel that does not answer is closed by the transport.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(10);

/// When a consumer is restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Its next consumer is started when the handler is done.
    HandlerRuns,
    BetweenHandlers,
}

impl Session {
    /// Hands back what has waited too long behind a running handler. Called from outside now and then.
    pub(in super::super) async fn check_age(&self) {
        let moment = Moment::HandlerRuns;
        if self.settings.no_ack() || !self.may_restart_any(moment) {
            return;
        }
        let (unstarted, oldest) = self.inbox.waiting();
        let change = {
            let mut pacing = self.pacing.lock();
            match oldest {
                Some(oldest) if unstarted > 0 && oldest.elapsed() > pacing.patience() => {
                    (pacing.prefetch() > 1).then(|| pacing.stuck())
                }
                _ => None,
            }
        };
        if let Some(change) = change {
            self.pace(change, moment).await;
        }
    }

    /// After a handler: whether its time asks for another prefetch.
    pub(in super::super) async fn check_pace(&self, took: Duration) {
        let moment = Moment::BetweenHandlers;
        if !self.may_restart_any(moment) {
            return;
        }
        let (unstarted, oldest) = self.inbox.waiting();
        let age = oldest.map_or(Duration::ZERO, |oldest| oldest.elapsed());
        let change = {
            let mut pacing = self.pacing.lock();
            pacing.handled(took);
            let restarts = self.inbox.waits_for_recall();
            (!restarts).then(|| pacing.check(unstarted, age)).flatten()
        };
        if let Some(change) = change {
            self.pace(change, moment).await;
        }
    }

    fn may_restart_any(&self, moment: Moment) -> bool {
        let goes = |queue| self.may_restart(queue, moment);
        (0..self.settings.queues.len()).any(goes)
    }

    /// An auto-delete queue needs two consumers for a moment. That cannot be where one must be alone. While a handler runs
    /// it would only put another delivery behind it; and what waits is no older than the delivery that is handled.
    fn may_restart(&self, queue: usize, moment: Moment) -> bool {
        let two_at_once = !self.settings.exclusive && moment == Moment::BetweenHandlers;
        two_at_once || !self.goes_with_its_consumer(queue)
    }

    /// Cancels the consumers, to be started with another prefetch, and hands back what would wait too long. They stay
    /// cancelled while more waits than there is time for: what has been handed back before does not go again.
    async fn pace(&self, change: Change, moment: Moment) {
        let mut subscribed = self.subscribed.lock().await;
        if subscribed.quiet {
            return;
        }
        let old = subscribed.take(|queue| self.may_restart(queue, moment));
        if old.is_empty() && !self.inbox.waits_for_recall() {
            return;
        }
        let deadline = Deadline::after(CANCEL_TIMEOUT);
        for (queue, _) in &old {
            if !self.goes_with_its_consumer(*queue) {
                continue;
            }
            if let Err(error) = self.consume(&mut subscribed, *queue, deadline).await {
                // That has ended the channel, or is about to.
                tracing::debug!(listener = %self.settings.id, %error, "consume");
                return;
            }
        }
        self.cancel(&old, deadline).await;
        let back = self.inbox.take_back(change.keep, |arrived| {
            // Not to the consumer that it came to.
            let from = arrived.delivery.consumer_tag();
            let consumed = subscribed.tags.iter().any(|(_, tag)| **tag == **from);
            !consumed
                && self.may_restart(arrived.queue, moment)
                && self.handed_back.note(&arrived.delivery)
        });
        let count = back.len();
        tracing::warn!(
            listener = %self.settings.id,
            prefetch = change.prefetch,
            handed_back = count,
            "a listener's prefetch was changed, because its handler would keep deliveries too long for the \
             broker's consumer timeout, or no longer does"
        );
        self.counters.handed_back_for_slowness(count);
        self.hand_back(back);
        let all_cancelled = subscribed.tags.is_empty();
        self.inbox.recall_at(if all_cancelled {
            change.keep
        } else {
            usize::MAX
        });
    }

    /// Mode `none`: cancels the consumers whenever more has come than is to be held in memory. What the broker sends
    /// until it has read the cancel still comes: that, and the sockets' buffers, are the bound. Auto-delete queues keep
    /// their consumers, and have no bound. Never returns.
    pub(in super::super) async fn hold_back(&self) {
        let mut told = false;
        loop {
            self.inbox.overrun().await;
            let mut subscribed = self.subscribed.lock().await;
            if subscribed.quiet || subscribed.tags.is_empty() {
                continue;
            }
            let old = subscribed.take(|queue| !self.goes_with_its_consumer(queue));
            if old.is_empty() {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(listener = %self.settings.id,
                        "a listener without acknowledgements holds more than it should: its queue would be deleted with its \
                         messages if its consumer were cancelled");
                }
                continue;
            }
            self.cancel(&old, Deadline::after(CANCEL_TIMEOUT)).await;
            self.inbox.held_back();
        }
    }
}

impl Subscribed {
    /// Takes out the consumers of these queues.
    fn take(&mut self, of: impl Fn(usize) -> bool) -> Vec<(usize, Name)> {
        let (taken, kept) = std::mem::take(&mut self.tags)
            .into_iter()
            .partition(|(queue, _)| of(*queue));
        self.tags = kept;
        taken
    }
}
