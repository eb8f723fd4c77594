//! The loop of a consumer on an open channel.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::time::Deadline;

use super::super::container::ConsumerState;
use super::super::inbox::{Cancelled, Event};
use super::super::session::Session;
use super::handle::Flow;
use super::{Consumer, Ended, GOODBYE};

impl Consumer {
    /// Handles what comes until the channel ends or the consumer is quiet and dry.
    pub(super) async fn serve(&mut self, session: &Arc<Session>) -> Ended {
        let mut look_again = self.next_look();
        loop {
            let event = match session.inbox.poll_now() {
                Some(event) => Some(event),
                None => self.wait(session).await,
            };
            match event {
                Some(Event::Delivery(arrived)) => {
                    self.count_activity();
                    match self.handle(session, arrived).await {
                        Flow::Next => {}
                        Flow::Pause(pause) => self.rest(session, pause).await,
                        Flow::Killed => return Ended::Quiet,
                    }
                    // A handler that never waits must not keep the runtime from others.
                    tokio::task::coop::consume_budget().await;
                }
                Some(Event::Closed(cause)) => return self.lost(cause.to_string()),
                Some(Event::Drained) => return Ended::Quiet,
                Some(Event::Recalled) => {
                    if let Err(ended) = self.subscribe(session).await {
                        return ended;
                    }
                }
                Some(Event::Cancelled(cancelled)) => {
                    self.cancelled(session, &cancelled).await;
                    look_again = self.next_look();
                }
                Some(Event::Deserted) => {
                    if let Some(ended) = self.deserted().await {
                        return ended;
                    }
                }
                None if self.control.kill.is_cancelled() => return Ended::Quiet,
                None => self.count_idleness(session).await,
            }
            if !self.missing.is_empty() && Instant::now() >= look_again {
                if let Err(ended) = self.look_for_missing(session).await {
                    return ended;
                }
                look_again = self.next_look();
            }
        }
    }

    /// Waits for something to do. `None` when a cycle passed without it, or it is to end at once.
    ///
    /// There is a timer only where a queue is missing or there are more consumers than needed: an idle listener
    /// costs nothing.
    async fn wait(&mut self, session: &Session) -> Option<Event> {
        self.permit = None;
        let scaling = &self.listener.settings.scaling;
        let surplus = scaling.is_elastic() && self.listener.consumers() > scaling.min;
        let timer = match (surplus, self.missing.is_empty()) {
            (true, _) => Some(scaling.cycle),
            (false, false) => Some(self.listener.settings.recovery_interval),
            (false, true) => None,
        };
        let cycle = async {
            match timer {
                Some(cycle) => tokio::time::sleep(cycle).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            event = session.inbox.next() => Some(event),
            () = self.control.kill.cancelled() => None,
            () = cycle => None,
        }
    }

    fn count_activity(&mut self) {
        let scaling = &self.listener.settings.scaling;
        if scaling.is_elastic() && self.cycles.active(scaling, Instant::now()) {
            self.listener.scale_up();
        }
    }

    async fn count_idleness(&mut self, session: &Session) {
        let scaling = &self.listener.settings.scaling;
        if scaling.is_elastic()
            && self.cycles.idle(scaling)
            && self.listener.scale_down(self.number)
        {
            session.quiet(Deadline::after(GOODBYE)).await;
        }
    }

    /// Takes nothing for a while; what has come stays where it is.
    async fn rest(&mut self, session: &Session, pause: Duration) {
        self.permit = None;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = session.inbox.ended() => {}
            () = self.control.kill.cancelled() => {}
        }
    }

    fn lost(&self, cause: String) -> Ended {
        tracing::warn!(listener = %self.listener.settings.id, cause, "a listener's channel has ended; it comes back");
        if self.control.quiet.is_cancelled() {
            Ended::Quiet
        } else {
            Ended::Lost(cause)
        }
    }

    /// The broker has cancelled the consumer of a queue. What that queue had sent is handled all the same.
    async fn cancelled(&mut self, session: &Session, cancelled: &Cancelled) {
        let queue = cancelled.queue;
        if !session.forget(cancelled).await || self.missing.contains(&queue) {
            return;
        }
        let queues = &self.listener.settings.queues;
        tracing::warn!(listener = %self.listener.settings.id, queue = %queues[queue],
            "the broker has cancelled a listener's consumer (its queue was deleted, or its node went away); it comes back");
        self.missing.push(queue);
        if self.missing.len() == queues.len() {
            session.inbox.deserted();
        }
    }

    /// Ends the turn, unless a queue has come back while the last deliveries were handled.
    async fn deserted(&self) -> Option<Ended> {
        let queues = &self.listener.settings.queues;
        if self.missing.len() < queues.len() {
            return None;
        }
        let name = &queues[*self.missing.last()?];
        let cause = format!("the broker has cancelled the consumer of queue `{name}`");
        self.listener
            .consumer_is(self.number, ConsumerState::NoQueue(cause.clone()));
        self.listener.declare_again(name).await;
        Some(Ended::NoQueue(cause))
    }

    fn next_look(&self) -> Instant {
        Instant::now() + self.listener.settings.recovery_interval
    }

    /// Looks for missing queues on a channel of its own, because asking for one that is not there ends the channel.
    async fn look_for_missing(&mut self, session: &Arc<Session>) -> Result<(), Ended> {
        let before = self.missing.len();
        for queue in std::mem::take(&mut self.missing) {
            let name = self.listener.settings.queues[queue].clone();
            self.listener.declare_again(&name).await;
            if !self.listener.is_there(&name).await {
                self.missing.push(queue);
            }
        }
        if self.missing.len() < before {
            self.subscribe(session).await?;
        }
        Ok(())
    }
}
