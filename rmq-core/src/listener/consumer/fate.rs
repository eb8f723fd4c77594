//! The ends that take time: a reply, a recovery, a delayed return to the queue.

use crate::error::BoxError;
use crate::handler::{Acknowledgement, HandlerContext, OutgoingReply};
use crate::message::{Delivery, DeliveryFault, Message};
use crate::name::Name;
use crate::observability::DeliveryEnd;
use crate::time::Deadline;
use crate::transport::Settlement;

use super::super::by_hand::ByHand;
use super::super::failure::{FailedDelivery, NoReplyTo};
use super::super::panicked::{self, in_words};
use super::super::recoverer::parked;
use super::super::reply::ReplyAddress;
use super::super::retry::{Next, after_failure};
use super::super::settings::FailurePolicy;
use super::Consumer;
use super::handle::{Flow, Interrupted};
use super::work::Work;

impl Consumer {
    /// Sends the answer, and acknowledges the request when the answer is confirmed. A failed send is tried again
    /// without calling the handler again.
    pub(super) async fn reply(
        &mut self,
        work: &Work<'_>,
        context: &HandlerContext,
        reply: OutgoingReply,
    ) -> Result<Flow, FailedDelivery> {
        let attempts = context.attempt();
        let fatal = |error: BoxError| FailedDelivery::fatal(error, attempts);
        let request = context.message().properties();
        let to = request.reply_to.as_deref().filter(|to| !to.is_empty());
        let Some(to) = to else {
            return Err(fatal(NoReplyTo.into()));
        };
        let address = ReplyAddress::parse(to).map_err(|error| fatal(error.into()))?;
        let converter = &*context.scope().converter;
        let written = panicked::call("the converter of the answer", || {
            reply.into_message(converter)
        });
        let mut message = match written {
            Ok(Ok(message)) => message,
            Ok(Err(error)) => return Err(fatal(error.into())),
            Err(panicked) => return Err(fatal(panicked.into())),
        };
        let properties = message.properties_mut();
        if properties.correlation_id.is_none() {
            let id = request
                .correlation_id
                .as_ref()
                .or(request.message_id.as_ref());
            properties.correlation_id = id.cloned();
        }
        self.permit = None;
        let settings = &self.listener.settings;
        let mut failures = 0;
        loop {
            let sent = self.listener.services.publisher.publish(
                address.exchange.clone(),
                address.routing_key.clone(),
                message.clone(),
            );
            let outcome = tokio::select! {
                sent = sent => sent,
                () = self.control.kill.cancelled() => {
                    return Ok(self.interrupted(work, Interrupted::Killed).await);
                }
            };
            let Err(unconfirmed) = outcome else { break };
            failures += 1;
            let next = after_failure(
                &settings.retry,
                failures,
                None,
                work.began.elapsed(),
                settings.consumer_timeout / 3,
            );
            match next {
                Next::After(wait) if unconfirmed.transient => {
                    tracing::warn!(listener = %settings.id, message_id = context.message().message_id(),
                        cause = in_words(&*unconfirmed.error), "a reply was not confirmed; it is sent again");
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        why = self.interruption(work.session) => return Ok(self.interrupted(work, why).await),
                    }
                }
                _ => return Err(fatal(unconfirmed.error)),
            }
        }
        // It may have been settled meanwhile, by what the handler left running.
        if let Some(said) = work.by_hand.as_ref().and_then(ByHand::said) {
            return Ok(self.settled_by_hand(work, context, said).await);
        }
        work.settle(Settlement::Ack, DeliveryEnd::Acknowledged);
        Ok(Flow::Next)
    }

    /// The handler settled by hand; a requeue has waited for the back-off, and happens here.
    pub(super) async fn settled_by_hand(
        &mut self,
        work: &Work<'_>,
        context: &HandlerContext,
        said: Acknowledgement,
    ) -> Flow {
        if said == Acknowledgement::Requeue {
            return self.requeue_later(work, context).await;
        }
        work.note_end();
        Flow::Next
    }

    pub(super) fn log_settled_failure(
        &self,
        context: &HandlerContext,
        failed: &FailedDelivery,
        said: Acknowledgement,
    ) {
        tracing::error!(listener = %self.listener.settings.id, message_id = context.message().message_id(),
            cause = %failed, settled = ?said, "a handler failed after it had settled its delivery; the settlement stands");
    }

    pub(super) fn rejected_by_handler(&self, work: &Work<'_>, context: &HandlerContext) {
        tracing::warn!(listener = %self.listener.settings.id, message_id = context.message().message_id(),
            "a handler rejected its message; it is dead-lettered");
        self.dead_letter(work);
    }

    /// Part of it was left out, so that it can neither be handled nor be put elsewhere by us: the broker, which has it
    /// whole, moves it. So neither a recoverer nor parking is asked.
    pub(super) fn reject_incomplete(
        &self,
        work: &Work<'_>,
        delivery: &Delivery,
        fault: DeliveryFault,
    ) -> Flow {
        tracing::error!(
            listener = %self.listener.settings.id,
            message_id = delivery.message_id().as_deref(),
            delivery_tag = delivery.tag(),
            exchange = delivery.exchange(),
            routing_key = delivery.routing_key(),
            lost = self.listener.settings.no_ack(),
            cause = %fault,
            "a message over a limit cannot be handled; it is rejected to its queue's dead-letter queue, intact, unless the \
             listener does not acknowledge"
        );
        if let Some(witness) = self.listener.counters.witness() {
            let (id, message_id) = (&self.listener.settings.id, delivery.message_id());
            witness.begun(id, message_id.as_deref());
            witness.failed(id, message_id.as_deref(), &fault);
        }
        work.span.record("error.type", "over a limit");
        self.dead_letter(work);
        Flow::Next
    }

    fn dead_letter(&self, work: &Work<'_>) {
        if self.listener.settings.no_ack() {
            self.lose(work);
        } else {
            work.settle(Settlement::Reject, DeliveryEnd::DeadLettered);
        }
    }

    /// Gives the delivery back after the back-off, which grows with the times it has come.
    pub(super) async fn requeue_later(
        &mut self,
        work: &Work<'_>,
        context: &HandlerContext,
    ) -> Flow {
        self.permit = None;
        let delivery = context.delivery();
        let before = delivery
            .delivery_count()
            .unwrap_or_else(|| u64::from(delivery.redelivered()));
        let settings = &self.listener.settings;
        let wait = settings
            .retry
            .interval(u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1))
            .min(settings.consumer_timeout / 3);
        let interrupted = tokio::select! {
            () = tokio::time::sleep(wait) => None,
            why = self.interruption(work.session) => Some(why),
        };
        match interrupted {
            None => {
                self.give_back(work, Settlement::Requeue);
                Flow::Next
            }
            Some(why) => self.interrupted(work, why).await,
        }
    }

    /// No further attempt: the recoverer, or the listener's policy, decides.
    pub(super) async fn recover(
        &mut self,
        work: &Work<'_>,
        context: &HandlerContext,
        failed: FailedDelivery,
    ) -> Flow {
        self.permit = None;
        let settings = &self.listener.settings;
        let error = if failed.is_fatal() {
            "fatal"
        } else {
            "attempts spent"
        };
        work.span.record("error.type", error);
        tracing::error!(
            listener = %settings.id,
            message_id = context.message().message_id(),
            delivery_tag = work.tag,
            attempts = failed.attempts(),
            fatal = failed.is_fatal(),
            policy = ?settings.on_failure,
            cause = %failed,
            "a message could not be handled"
        );
        if work.session.inbox.is_closed() && !settings.no_ack() {
            // The broker delivers it again, and then it is decided: a copy kept elsewhere now would be one too many.
            return self.interrupted(work, Interrupted::Closed).await;
        }
        if let Some(recoverer) = self.listener.recoverer.clone() {
            let budget = Deadline::after(settings.consumer_timeout / 3);
            let recovering = panicked::call_async("the recoverer", || {
                recoverer.recover(context.delivery(), &failed)
            });
            let decided = tokio::select! {
                decided = budget.limit(recovering) => decided,
                () = self.control.kill.cancelled() => {
                    return self.interrupted(work, Interrupted::Killed).await;
                }
            };
            let cause = match decided {
                Ok(Ok(Ok(decision))) => {
                    return self.settle_recovered(work, context, decision).await;
                }
                Ok(Ok(Err(error))) => in_words(&*error),
                Ok(Err(panicked)) => panicked.to_string(),
                Err(elapsed) => elapsed.to_string(),
            };
            self.recovery_failed(context, &cause);
            return self.requeue_later(work, context).await;
        }
        match &settings.on_failure {
            FailurePolicy::Park(queue) => {
                let queue = queue.clone();
                self.park(work, context, &failed, queue).await
            }
            FailurePolicy::Requeue if !failed.is_fatal() => self.requeue_later(work, context).await,
            FailurePolicy::Requeue | FailurePolicy::Reject => {
                self.dead_letter(work);
                Flow::Next
            }
        }
    }

    async fn settle_recovered(
        &mut self,
        work: &Work<'_>,
        context: &HandlerContext,
        decision: Acknowledgement,
    ) -> Flow {
        match decision {
            Acknowledgement::Ack => {
                work.settle(Settlement::Ack, DeliveryEnd::Acknowledged);
                Flow::Next
            }
            Acknowledgement::Reject => {
                self.dead_letter(work);
                Flow::Next
            }
            Acknowledgement::Requeue => self.requeue_later(work, context).await,
        }
    }

    fn recovery_failed(&self, context: &HandlerContext, cause: &str) {
        tracing::error!(listener = %self.listener.settings.id, message_id = context.message().message_id(),
            cause, "a message that could not be handled could not be put elsewhere either; it goes back to its queue");
    }

    /// Publishes the message to the parking queue, and acknowledges it when that is confirmed. One that nobody can
    /// publish, its header table being unreadable say, would come back for ever: the broker, which has it whole, moves it.
    async fn park(
        &mut self,
        work: &Work<'_>,
        context: &HandlerContext,
        failed: &FailedDelivery,
        queue: Name,
    ) -> Flow {
        let scope = context.scope();
        let message: Message = parked(context.delivery(), failed, &scope.listener, &scope.queue);
        let sent = self
            .listener
            .services
            .publisher
            .publish(Name::default(), queue, message);
        let outcome = tokio::select! {
            sent = sent => sent,
            () = self.control.kill.cancelled() => {
                return self.interrupted(work, Interrupted::Killed).await;
            }
        };
        match outcome {
            Ok(()) => {
                work.settle(Settlement::Ack, DeliveryEnd::Parked);
                Flow::Next
            }
            Err(unconfirmed) if unconfirmed.unsendable => {
                tracing::error!(listener = %self.listener.settings.id, message_id = context.message().message_id(),
                    delivery_tag = work.tag, cause = %failed, not_parked = in_words(&*unconfirmed.error),
                    "a message that could not be handled cannot be parked, now or later; it is rejected to its queue's \
                     dead-letter queue, intact");
                self.dead_letter(work);
                Flow::Next
            }
            Err(unconfirmed) => {
                self.recovery_failed(context, &in_words(&*unconfirmed.error));
                self.requeue_later(work, context).await
            }
        }
    }
}
