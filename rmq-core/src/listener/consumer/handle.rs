//! One delivery, from the inbox to its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{Instrument, Span};

use crate::handler::{Acknowledgement, HandlerContext, Outcome};
use crate::message::Delivery;
use crate::observability::{DeliveryEnd, Metrics, TraceContext, process_span};
use crate::time::Deadline;
use crate::transport::Settlement;

use super::super::by_hand::ByHand;
use super::super::executor::Admission;
use super::super::failure::{FailedDelivery, Unsettled};
use super::super::inbox::Arrived;
use super::super::invoker::{Place, invoke};
use super::super::retry::{Next, after_failure};
use super::super::session::Session;
use super::super::settings::AcknowledgeMode;
use super::work::Work;
use super::{Consumer, GOODBYE};

/// What the consumer does next.
#[derive(Debug)]
pub(super) enum Flow {
    Next,
    /// Take nothing for so long.
    Pause(Duration),
    /// The time for handlers to finish is over.
    Killed,
}

/// Why a wait ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupted {
    /// The consumer ends: the delivery goes back.
    Quiet,
    /// The channel has ended: the broker has the delivery.
    Closed,
    Killed,
}

/// Whether there was a place to run the handler.
enum NoPlace {
    Refused,
    Interrupted(Interrupted),
}

impl Consumer {
    pub(super) async fn handle(&mut self, session: &Arc<Session>, arrived: Arrived) -> Flow {
        let delivery = &arrived.delivery;
        let properties = delivery.message().properties();
        let span = process_span(
            delivery.exchange(),
            delivery.routing_key(),
            &self.listener.settings.queues[arrived.queue],
            properties.message_id.as_deref(),
            properties.correlation_id.as_deref(),
            delivery.tag(),
        );
        let began = Instant::now();
        let flow = if span.is_none() {
            self.deliver(session, arrived, began, span).await
        } else {
            if let Some(trace) = TraceContext::extract(&properties.headers) {
                span.record("trace_id", format!("{:032x}", trace.trace_id()));
                span.record("parent_span_id", format!("{:016x}", trace.span_id()));
            }
            let told = span.clone();
            self.deliver(session, arrived, began, told)
                .instrument(span)
                .await
        };
        let took = began.elapsed();
        Metrics::processed(took);
        if !self.listener.settings.no_ack() {
            session.check_pace(took).await;
        }
        flow
    }

    async fn deliver(
        &mut self,
        session: &Arc<Session>,
        arrived: Arrived,
        began: Instant,
        span: Span,
    ) -> Flow {
        let tag = arrived.delivery.tag();
        let mut work = Work::new(session, tag, began, span);
        let fault = arrived.delivery.fault();
        if let Some(fault) = fault.filter(|fault| fault.is_incomplete()) {
            return self.reject_incomplete(&work, &arrived.delivery, fault);
        }
        let scope = Arc::clone(&self.listener.scopes[arrived.queue]);
        let mut context = HandlerContext::new(arrived.delivery, scope);
        if let Some(witness) = self.listener.counters.witness() {
            witness.begun(&self.listener.settings.id, context.message().message_id());
        }
        if self.listener.settings.acknowledge == AcknowledgeMode::Manual {
            let (by_hand, acknowledger) = ByHand::new(session, tag);
            work.by_hand = Some(by_hand);
            context = context.with_acknowledger(acknowledger);
        }
        loop {
            let place = match self.place(session).await {
                Ok(place) => place,
                Err(NoPlace::Refused) => match self.refused(&work, context.delivery()).await {
                    Some(flow) => return flow,
                    None => continue,
                },
                Err(NoPlace::Interrupted(why)) => return self.interrupted(&work, why).await,
            };
            let attempt = invoke(
                &self.listener.handler,
                context,
                place,
                &self.listener.services.executor,
            );
            let attempted = tokio::select! {
                biased;
                attempted = attempt => attempted,
                () = self.control.kill.cancelled() => return self.interrupted(&work, Interrupted::Killed).await,
            };
            let Some((back, result)) = attempted else {
                // The thread of a plain function is gone, and with it the delivery; its tag is enough to settle it.
                tracing::error!(listener = %self.listener.settings.id, tag, "a pool thread was lost");
                return self.interrupted(&work, Interrupted::Quiet).await;
            };
            context = back;
            let failed = match self.conclude(&work, &context, result).await {
                Ok(flow) => return flow,
                Err(failed) => failed,
            };
            if let Some(witness) = self.listener.counters.witness() {
                let id = context.message().message_id();
                witness.failed(&self.listener.settings.id, id, &failed);
            }
            if let Some(flow) = self.before_next_attempt(&work, &context, failed).await {
                return flow;
            }
            context.next_attempt();
        }
    }

    /// A place to run: the permit from the last delivery if nobody waits for it, else a new one.
    async fn place(&mut self, session: &Session) -> Result<Place, NoPlace> {
        let executor = &self.listener.services.executor;
        if self.permit.is_some() && !executor.is_contended() {
            return Ok(Place::Pool);
        }
        self.permit = None;
        let admission = tokio::select! {
            biased;
            admission = executor.admit() => admission,
            why = self.interruption(session) => return Err(NoPlace::Interrupted(why)),
        };
        match admission {
            Admission::Granted(permit) => {
                self.permit = Some(permit);
                Ok(Place::Pool)
            }
            Admission::CallerRuns => Ok(Place::Caller),
            Admission::Refused => Err(NoPlace::Refused),
        }
    }

    /// Waits for a reason not to wait any longer.
    pub(super) async fn interruption(&self, session: &Session) -> Interrupted {
        let ended = async {
            session.inbox.ended().await;
            if session.inbox.is_closed() {
                Interrupted::Closed
            } else {
                Interrupted::Quiet
            }
        };
        // Without acknowledgements nothing can go back, so only the last moment ends a wait.
        let no_ack = self.listener.settings.no_ack();
        tokio::select! {
            why = ended, if !no_ack => why,
            () = self.control.kill.cancelled() => Interrupted::Killed,
        }
    }

    /// The pool is full and its policy is abort: the delivery goes back, once. One that has been back before waits
    /// here, or its returns would reach the queue's delivery limit without a handler ever having seen it.
    async fn refused(&self, work: &Work<'_>, delivery: &Delivery) -> Option<Flow> {
        let pause = self.listener.settings.retry.interval(1);
        if !self.listener.settings.no_ack() && self.listener.handed_back.note(delivery) {
            tracing::warn!(listener = %self.listener.settings.id, tag = work.tag,
                "the listener pool is full (rejection-policy: abort); the delivery is handed back and the consumer pauses");
            self.give_back(work, Settlement::HandBack);
            return Some(Flow::Pause(pause));
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => None,
            why = self.interruption(work.session) => Some(self.interrupted(work, why).await),
        }
    }

    /// A delivery that cannot be finished here.
    pub(super) async fn interrupted(&self, work: &Work<'_>, why: Interrupted) -> Flow {
        // Its end is noted where it is counted, and not before: this may be cut off while it waits.
        let settled_by_hand = work.by_hand.as_ref().and_then(ByHand::take_over);
        match (why, settled_by_hand) {
            (_, Some(Acknowledgement::Ack | Acknowledgement::Reject)) => work.note_end(),
            (Interrupted::Closed, _) => self.leave(work),
            (Interrupted::Quiet, _) => {
                // Else the broker would deliver it here again.
                work.session.unsubscribe(Deadline::after(GOODBYE)).await;
                self.give_back(work, Settlement::HandBack);
            }
            (Interrupted::Killed, _) => {
                self.listener.cut_off(work.session.inbox.started());
                if self.listener.settings.no_ack() {
                    self.lose(work);
                } else {
                    // Its handler may still be running on a thread: the channel's end gives it back, not we.
                    self.leave(work);
                }
            }
        }
        if why == Interrupted::Killed {
            Flow::Killed
        } else {
            Flow::Next
        }
    }

    /// The broker has it, and delivers it again.
    fn leave(&self, work: &Work<'_>) {
        work.note_end();
        let end = DeliveryEnd::LeftToBroker;
        work.span.record("rmq.outcome", end.as_str());
        self.listener.counters.ended(end, 1);
        work.session.tell(work.tag, end);
    }

    pub(super) fn give_back(&self, work: &Work<'_>, settlement: Settlement) {
        if self.listener.settings.no_ack() {
            self.lose(work);
        } else {
            work.settle(settlement, DeliveryEnd::Requeued);
        }
    }

    /// Mode none: the broker has forgotten the message, and so do we.
    pub(super) fn lose(&self, work: &Work<'_>) {
        work.note_end();
        self.listener.counters.forgotten(1);
        work.session.tell(work.tag, DeliveryEnd::Acknowledged);
    }

    /// Makes an end of an attempt's result, or gives its failure.
    async fn conclude(
        &mut self,
        work: &Work<'_>,
        context: &HandlerContext,
        result: Result<Outcome, FailedDelivery>,
    ) -> Result<Flow, FailedDelivery> {
        let attempts = context.attempt();
        let by_hand = work.by_hand.as_ref().and_then(ByHand::said);
        match (result, by_hand) {
            // Settled, and an answer on top: it is sent, and what becomes of it changes nothing for the request.
            (Ok(Outcome::Reply(reply)), Some(said)) => {
                match self.reply(work, context, reply).await {
                    Ok(flow) => Ok(flow),
                    Err(failed) => {
                        self.log_settled_failure(context, &failed, said);
                        Ok(self.settled_by_hand(work, context, said).await)
                    }
                }
            }
            (result, Some(said)) => {
                if let Err(failed) = result.and_then(|outcome| failure_of(outcome, attempts)) {
                    self.log_settled_failure(context, &failed, said);
                }
                Ok(self.settled_by_hand(work, context, said).await)
            }
            (Ok(Outcome::Settled(Acknowledgement::Ack)), None) if work.by_hand.is_some() => {
                Err(FailedDelivery::fatal(Unsettled, attempts))
            }
            (Ok(Outcome::Settled(Acknowledgement::Ack)), None) => {
                work.settle(Settlement::Ack, DeliveryEnd::Acknowledged);
                Ok(Flow::Next)
            }
            (Ok(Outcome::Settled(Acknowledgement::Reject)), None) => {
                self.rejected_by_handler(work, context);
                Ok(Flow::Next)
            }
            (Ok(Outcome::Settled(Acknowledgement::Requeue)), None) => {
                Ok(self.requeue_later(work, context).await)
            }
            (Ok(Outcome::Reply(reply)), None) => self.reply(work, context, reply).await,
            (Ok(Outcome::Failed(failure)), None) => Err(FailedDelivery::of(failure, attempts)),
            (Err(failed), None) => Err(failed),
        }
    }

    /// Waits for the next attempt, or ends the delivery.
    async fn before_next_attempt(
        &mut self,
        work: &Work<'_>,
        context: &HandlerContext,
        failed: FailedDelivery,
    ) -> Option<Flow> {
        let settings = &self.listener.settings;
        if failed.is_fatal() {
            return Some(self.recover(work, context, failed).await);
        }
        let next = after_failure(
            &settings.retry,
            failed.attempts(),
            failed.retry_after(),
            work.began.elapsed(),
            settings.consumer_timeout / 3,
        );
        let Next::After(wait) = next else {
            return Some(self.recover(work, context, failed).await);
        };
        tracing::warn!(
            listener = %settings.id,
            message_id = context.message().message_id(),
            attempt = failed.attempts(),
            of = settings.retry.attempts,
            wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            cause = %failed,
            "a handler failed; it is tried again"
        );
        self.permit = None;
        tokio::select! {
            () = tokio::time::sleep(wait) => {
                self.listener.counters.retried();
                None
            }
            why = self.interruption(work.session) => Some(self.interrupted(work, why).await),
        }
    }
}

/// A failure that a handler reports after it has settled by hand.
fn failure_of(outcome: Outcome, attempts: u32) -> Result<(), FailedDelivery> {
    match outcome {
        Outcome::Failed(failure) => Err(FailedDelivery::of(failure, attempts)),
        Outcome::Settled(_) | Outcome::Reply(_) => Ok(()),
    }
}
