//! One consumer on one channel: subscribed, slowed down, quieted.

mod restart;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;

use crate::message::{Delivery, Value};
use crate::name::Name;
use crate::observability::DeliveryEnd;
use crate::time::Deadline;
use crate::transport::{Channel, ConsumeSpec, Settlement, TransportError};

use super::handed_back::HandedBack;
use super::inbox::{Cancelled, Inbox};
use super::ledger::Counters;
use super::pacing::Pacing;
use super::settings::EndpointSettings;

/// Without acknowledgements the broker grants no prefetch: this many times the setting are held before the consumer
/// is cancelled.
const UNACKNOWLEDGED: usize = 8;

/// Up to this prefetch the unstarted deliveries go back before the running handler is done.
///
/// A quorum queue's ack is lost when its channel closes while RabbitMQ's channel process still holds it. That process sends
/// a queue 32 commands (`quorum_commands_soft_limit`) and holds back the rest until the queue has answered; each
/// hand-back is a command, and so is each delivery that comes behind a cancel. The answer to a cancel comes from
/// the queue, behind everything before it. So either all acks are written before the cancel, or so little is behind
/// it that nothing is ever held back.
const GOES_AT_ONCE: usize = 16;

/// A channel with this consumer's subscriptions. Shared between the consumer's task, which handles what comes, and
/// those who stop or slow it from outside while a handler runs.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) channel: Channel,
    pub(super) inbox: Arc<Inbox>,
    pub(super) pacing: Mutex<Pacing>,
    settings: Arc<EndpointSettings>,
    counters: Arc<Counters>,
    handed_back: Arc<HandedBack>,
    number: usize,
    /// Held over control calls, so that a stop and a restart do not cross.
    subscribed: AsyncMutex<Subscribed>,
}

#[derive(Debug, Default)]
struct Subscribed {
    /// Queue (by place in the list) and tag.
    tags: Vec<(usize, Name)>,
    serial: u64,
    prefetch: u16,
    quiet: bool,
}

impl Subscribed {
    fn forget(&mut self, cancelled: &Cancelled) -> bool {
        self.tags.retain(|(_, tag)| *tag != cancelled.tag);
        let consumed = |(queue, _): &(usize, Name)| *queue == cancelled.queue;
        !self.tags.iter().any(consumed)
    }
}

/// A queue could not be consumed.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) queue: usize,
    pub(super) error: TransportError,
}

impl Session {
    pub(super) fn new(
        channel: Channel,
        settings: Arc<EndpointSettings>,
        counters: Arc<Counters>,
        handed_back: Arc<HandedBack>,
        number: usize,
    ) -> Arc<Self> {
        let bound = usize::from(settings.prefetch) * UNACKNOWLEDGED;
        let inbox = Inbox::new(Arc::clone(&counters), settings.no_ack(), bound);
        Arc::new(Self {
            channel,
            inbox,
            pacing: Mutex::new(Pacing::new(
                settings.consumer_timeout,
                settings.prefetch,
                settings.queues.len(),
            )),
            settings,
            counters,
            handed_back,
            number,
            subscribed: AsyncMutex::default(),
        })
    }

    /// Consumes those of the listener's queues that it does not consume yet and that are not `missing`.
    pub(super) async fn subscribe(&self, missing: &[usize]) -> Result<(), Refused> {
        let mut subscribed = self.subscribed.lock().await;
        if subscribed.quiet {
            return Ok(());
        }
        self.pacing.lock().settle();
        let deadline = Deadline::after(self.settings.start_timeout);
        let mut queues: Vec<usize> = (0..self.settings.queues.len()).collect();
        // A missing queue ends the channel, and its end deletes those that have lost their consumer with it.
        queues.sort_by_key(|queue| self.goes_with_its_consumer(*queue));
        for queue in queues {
            let known = subscribed.tags.iter().any(|(known, _)| *known == queue);
            if known || missing.contains(&queue) {
                continue;
            }
            self.consume(&mut subscribed, queue, deadline)
                .await
                .map_err(|error| Refused { queue, error })?;
        }
        Ok(())
    }

    /// One more consumer of this queue, with the prefetch of now.
    async fn consume(
        &self,
        subscribed: &mut Subscribed,
        queue: usize,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        let prefetch = self.pacing.lock().prefetch();
        // Without acknowledgements the broker knows no prefetch.
        if subscribed.prefetch != prefetch && !self.settings.no_ack() {
            self.channel.qos(prefetch, deadline).await?;
            subscribed.prefetch = prefetch;
        }
        subscribed.serial += 1;
        let tag = self.tag(subscribed.serial);
        let priority = self.settings.priority;
        let spec = ConsumeSpec {
            queue: self.settings.queues[queue].clone(),
            consumer_tag: tag.clone(),
            no_ack: self.settings.no_ack(),
            exclusive: self.settings.exclusive,
            arguments: priority
                .map(|priority| ("x-priority".into(), Value::I32(priority)))
                .into_iter()
                .collect(),
        };
        let sink = self.inbox.sink(queue, tag.clone());
        self.channel.consume(spec, sink, deadline).await?;
        subscribed.tags.push((queue, tag));
        Ok(())
    }

    /// Whether the broker deletes this queue, and all that is in it, when nobody consumes it.
    fn goes_with_its_consumer(&self, queue: usize) -> bool {
        self.settings
            .auto_delete
            .contains(&self.settings.queues[queue])
    }

    /// A name that says in the broker's list whose consumer it is.
    fn tag(&self, serial: u64) -> Name {
        let id: String = self.settings.id.chars().take(40).collect();
        let generation = self.channel.generation();
        let tag = format!("{id}.{}.{generation}.{serial}", self.number);
        Name::try_from(tag).unwrap_or_default()
    }

    /// The broker has cancelled this consumer, and no other. Whether its queue is not consumed now: a restart may have
    /// been faster.
    pub(super) async fn forget(&self, cancelled: &Cancelled) -> bool {
        self.subscribed.lock().await.forget(cancelled)
    }

    /// Starts nothing any more. The running handler goes on; when it has ended, its consumer does the
    /// [`leave`](Self::leave). With a small prefetch that is done here, without waiting for the handler.
    ///
    /// Without acknowledgements nothing can be handed back: the consumers are cancelled here, and what has come is handled
    /// before the end, also what comes behind the cancel, up to the answer to a round trip.
    pub(super) async fn quiet(&self, deadline: Deadline) {
        let mut subscribed = self.subscribed.lock().await;
        subscribed.quiet = true;
        if self.settings.no_ack() {
            self.cancel_all(&mut subscribed, deadline).await;
            if let Err(error) = self.channel.round_trip(deadline).await {
                tracing::debug!(listener = %self.settings.id, %error, "round trip");
            }
            self.inbox.drained();
            return;
        }
        self.inbox.drained();
        let (unstarted, _) = self.inbox.waiting();
        if unstarted.max(usize::from(subscribed.prefetch)) <= GOES_AT_ONCE {
            self.cancel_all(&mut subscribed, deadline).await;
            self.hand_back_all();
        }
    }

    /// Cancels every consumer, once nothing is started any more.
    pub(super) async fn unsubscribe(&self, deadline: Deadline) {
        if !self.settings.no_ack() && self.inbox.is_drained() {
            let mut subscribed = self.subscribed.lock().await;
            self.cancel_all(&mut subscribed, deadline).await;
        }
    }

    /// Cancels every consumer behind the last ack, and hands back what was not started.
    pub(super) async fn leave(&self, deadline: Deadline) {
        self.unsubscribe(deadline).await;
        if !self.settings.no_ack() && self.inbox.is_drained() {
            self.hand_back_all();
        }
    }

    /// All that is unstarted, unless the channel has ended, which gives it back by itself.
    fn hand_back_all(&self) {
        if self.channel.close_cause().is_none() {
            self.hand_back(self.inbox.take_back(0, |_| true));
        }
    }

    async fn cancel_all(&self, subscribed: &mut Subscribed, deadline: Deadline) {
        let all = std::mem::take(&mut subscribed.tags);
        self.cancel(&all, deadline).await;
    }

    async fn cancel(&self, consumers: &[(usize, Name)], deadline: Deadline) {
        for (_, tag) in consumers {
            // A channel that has ended has no consumers, and a call that misses its deadline ends the channel.
            if let Err(error) = self.channel.cancel(tag, deadline).await {
                tracing::debug!(listener = %self.settings.id, %error, "cancel");
            }
        }
    }

    /// From the oldest to the newest: a quorum queue hands returned messages out in the order they came back, a
    /// classic one by their place.
    fn hand_back(&self, deliveries: Vec<Delivery>) {
        for delivery in &deliveries {
            self.settle(delivery.tag(), Settlement::HandBack, DeliveryEnd::Requeued);
        }
    }

    /// Settles, and counts what became of it. False when the channel no longer took it.
    pub(super) fn settle(&self, tag: u64, settlement: Settlement, end: DeliveryEnd) -> bool {
        let sent = self.settings.no_ack() || self.channel.settle(tag, settlement).is_ok();
        if sent {
            self.counters.ended(end, 1);
        } else {
            self.counters.stale();
        }
        self.tell(tag, if sent { end } else { DeliveryEnd::LeftToBroker });
        sent
    }

    /// Tells the witness, if there is one, how the delivery that was started last has ended.
    pub(super) fn tell(&self, tag: u64, end: DeliveryEnd) {
        let Some(witness) = self.counters.witness() else {
            return;
        };
        if let Some(started) = self.inbox.started().filter(|started| started.tag == tag) {
            witness.ended(&self.settings.id, started.message_id.as_deref(), end);
        }
    }

    /// Its consumer is gone with a delivery in hand: the channel's end gives it back.
    pub(super) fn forsaken(&self, tag: u64) {
        if self.settings.no_ack() {
            self.counters.forgotten(1);
            self.tell(tag, DeliveryEnd::Acknowledged);
        } else {
            self.counters.ended(DeliveryEnd::LeftToBroker, 1);
            self.tell(tag, DeliveryEnd::LeftToBroker);
        }
    }
}

#[cfg(test)]
mod tests;
