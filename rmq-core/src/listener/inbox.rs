//! What the broker has delivered to one consumer and nobody has started on yet.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytestring::ByteString;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::message::Delivery;
use crate::name::Name;
use crate::observability::DeliveryEnd;
use crate::transport::{CloseCause, DeliverySink};

use super::ledger::Counters;

/// A delivery, when it came, and from which of the listener's queues (its place in the list).
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) delivery: Delivery,
    pub(super) at: Instant,
    pub(super) queue: usize,
}

/// A delivery that its consumer has taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Started {
    pub(super) tag: u64,
    pub(super) message_id: Option<ByteString>,
}

impl Started {
    pub(super) fn of(delivery: &Delivery) -> Self {
        Self {
            tag: delivery.tag(),
            message_id: delivery.message_id(),
        }
    }
}

/// What a consumer finds when it looks.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one value on the stack for each message; a box would cost more than it saves"
)]
pub(super) enum Event {
    /// The next delivery; it counts as started from now on.
    Delivery(Arrived),
    /// The channel has ended; nothing that came on it can be settled any more.
    Closed(CloseCause),
    /// The broker has cancelled a consumer. Told at once: what came before it is still here.
    Cancelled(Cancelled),
    /// No queue is consumed any more, and what had come before is started.
    Deserted,
    /// Somebody else has cancelled the consumers, for a new prefetch: consume again.
    Recalled,
    /// Nothing is to be started any more.
    Drained,
}

/// A consumer that the broker has cancelled, and its queue (by its place in the listener's list).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cancelled {
    pub(super) queue: usize,
    pub(super) tag: Name,
}

/// The deliveries of one channel that wait for their consumer. The reader of the socket fills it, the consumer
/// empties it one by one, and whoever stops or slows the consumer takes back what is unstarted.
#[derive(Debug)]
pub(super) struct Inbox {
    held: Mutex<Held>,
    consumer: AtomicWaker,
    counters: Arc<Counters>,
    /// Without acknowledgements the broker has forgotten what is here: the end of the channel takes nothing away.
    no_ack: bool,
    /// Without acknowledgements there is no prefetch: at so many the consumers are cancelled, at half of it they
    /// start again.
    bound: usize,
    overrun: Notify,
}

#[derive(Debug, Default)]
struct Held {
    unstarted: VecDeque<Arrived>,
    started: Option<Started>,
    cancelled: Vec<Cancelled>,
    deserted: bool,
    closed: Option<CloseCause>,
    recalled: bool,
    /// The consumers are cancelled, and start again when no more than so many are unstarted.
    recall_at: Option<usize>,
    drained: bool,
    abandoned: bool,
}

/// As long as it lives somebody empties the inbox.
#[derive(Debug)]
pub(super) struct Occupied(Arc<Inbox>);

impl Drop for Occupied {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Inbox {
    pub(super) fn new(counters: Arc<Counters>, no_ack: bool, bound: usize) -> Arc<Self> {
        Arc::new(Self {
            held: Mutex::default(),
            consumer: AtomicWaker::new(),
            counters,
            no_ack,
            bound,
            overrun: Notify::new(),
        })
    }

    /// Says that its consumer is there. Without it, what is here and what still comes is given up.
    pub(super) fn occupied(self: &Arc<Self>) -> Occupied {
        Occupied(Arc::clone(self))
    }

    /// Without acknowledgements the broker has forgotten what is here: it is lost with its consumer. Otherwise the end
    /// of the channel gives it back.
    fn abandon(&self) {
        if !self.no_ack {
            return;
        }
        let lost = {
            let mut held = self.held.lock();
            held.abandoned = true;
            std::mem::take(&mut held.unstarted)
        };
        self.lose(lost.into_iter().map(|arrived| arrived.delivery));
    }

    /// The broker has forgotten them, and nobody is there to handle them.
    fn lose(&self, deliveries: impl Iterator<Item = Delivery>) {
        for delivery in deliveries {
            tracing::error!(
                consumer = &**delivery.consumer_tag(),
                message_id = delivery.message_id().as_deref(),
                "a delivery without acknowledgement has no consumer any more: the message is lost"
            );
            self.counters.forgotten(1);
        }
    }

    /// The sink for the consumer of one of the listener's queues.
    pub(super) fn sink(self: &Arc<Self>, queue: usize, tag: Name) -> Arc<dyn DeliverySink> {
        Arc::new(Sink {
            inbox: Arc::clone(self),
            queue,
            tag,
        })
    }

    /// What there is now, if anything.
    pub(super) fn poll_now(&self) -> Option<Event> {
        self.held.lock().next(self.no_ack)
    }

    /// Waits until more is here than a consumer without acknowledgements should hold.
    pub(super) async fn overrun(&self) {
        self.overrun.notified().await;
    }

    /// The consumers were cancelled because of it; they are recalled when half is handled.
    pub(super) fn held_back(&self) {
        self.recall_at(self.bound / 2);
    }

    /// The consumers were cancelled by us. They are recalled when no more than so many are unstarted.
    pub(super) fn recall_at(&self, unstarted: usize) {
        self.held.lock().recall_at = Some(unstarted);
        self.consumer.wake();
    }

    /// Whether cancelled consumers are yet to be recalled.
    pub(super) fn waits_for_recall(&self) -> bool {
        let held = self.held.lock();
        held.recalled || held.recall_at.is_some()
    }

    /// Waits for the next event. Only one task may wait.
    ///
    /// # Cancel safety
    /// Nothing is lost: an event is taken out at the moment it is returned.
    pub(super) async fn next(&self) -> Event {
        poll_fn(|context| {
            if let Some(event) = self.poll_now() {
                return Poll::Ready(event);
            }
            self.consumer.register(context.waker());
            let event = self.poll_now();
            if event.is_none() {
                self.held.lock().give_memory_back();
            }
            event.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Waits until the channel has ended or nothing more is to come: a reason to end a wait between two attempts.
    pub(super) async fn ended(&self) {
        poll_fn(|context| {
            let ended = || {
                let held = self.held.lock();
                held.drained || (held.closed.is_some() && !self.no_ack)
            };
            if ended() {
                return Poll::Ready(());
            }
            self.consumer.register(context.waker());
            if ended() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// How many wait, and when the oldest of them came.
    pub(super) fn waiting(&self) -> (usize, Option<Instant>) {
        let held = self.held.lock();
        (
            held.unstarted.len(),
            held.unstarted.front().map(|first| first.at),
        )
    }

    /// The delivery whose handling goes on, if any.
    pub(super) fn started(&self) -> Option<Started> {
        self.held.lock().started.clone()
    }

    /// What nobody has started on.
    pub(super) fn peek_unstarted(&self) -> Vec<Started> {
        self.held
            .lock()
            .unstarted
            .iter()
            .map(|arrived| Started::of(&arrived.delivery))
            .collect()
    }

    /// Whether the channel has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.held.lock().closed.is_some()
    }

    /// Takes out what is unstarted, from the newest, leaving `keep` and those that `may_go` refuses.
    pub(super) fn take_back(
        &self,
        keep: usize,
        mut may_go: impl FnMut(&Arrived) -> bool,
    ) -> Vec<Delivery> {
        let mut held = self.held.lock();
        let at = keep.min(held.unstarted.len());
        let mut taken = Vec::new();
        for arrived in held.unstarted.split_off(at) {
            if may_go(&arrived) {
                taken.push(arrived.delivery);
            } else {
                held.unstarted.push_back(arrived);
            }
        }
        taken
    }

    /// The broker has cancelled every consumer: when nothing is left, it is deserted.
    pub(super) fn deserted(&self) {
        self.held.lock().deserted = true;
        self.consumer.wake();
    }

    /// Nothing is started any more: what is here, or still comes, goes back. Without acknowledgements it can't, and is
    /// handled first; the consumers were cancelled.
    pub(super) fn drained(&self) {
        self.held.lock().drained = true;
        self.consumer.wake();
    }

    /// Whether nothing is started any more.
    pub(super) fn is_drained(&self) -> bool {
        self.held.lock().drained
    }
}

/// Room for so many deliveries is kept while a consumer is idle.
const IDLE_ROOM: usize = 8;

impl Held {
    /// After a burst an idle listener keeps no room for the next one.
    fn give_memory_back(&mut self) {
        if self.unstarted.is_empty() && self.unstarted.capacity() > IDLE_ROOM {
            self.unstarted = VecDeque::new();
        }
    }

    fn next(&mut self, no_ack: bool) -> Option<Event> {
        self.started = None;
        let few = |at| self.unstarted.len() <= at;
        if self.recall_at.is_some_and(few) {
            self.recall_at = None;
            self.recalled = true;
        }
        if let Some(cause) = &self.closed
            && (!no_ack || self.unstarted.is_empty())
        {
            return Some(Event::Closed(cause.clone()));
        }
        if self.drained && (!no_ack || self.unstarted.is_empty()) {
            return Some(Event::Drained);
        }
        if let Some(cancelled) = self.cancelled.pop() {
            return Some(Event::Cancelled(cancelled));
        }
        // On a channel that has ended nothing can be consumed: what is here is handled, where it can be.
        if self.recalled && !self.drained && self.closed.is_none() {
            self.recalled = false;
            return Some(Event::Recalled);
        }
        if let Some(arrived) = self.unstarted.pop_front() {
            self.started = Some(Started::of(&arrived.delivery));
            return Some(Event::Delivery(arrived));
        }
        std::mem::take(&mut self.deserted).then_some(Event::Deserted)
    }
}

#[derive(Debug)]
struct Sink {
    inbox: Arc<Inbox>,
    queue: usize,
    tag: Name,
}

impl DeliverySink for Sink {
    fn deliver(&self, deliveries: &mut Vec<Delivery>) {
        let at = Instant::now();
        self.inbox.counters.delivered(deliveries.len());
        let queue = self.queue;
        let mut held = self.inbox.held.lock();
        if held.abandoned {
            drop(held);
            self.inbox.lose(deliveries.drain(..));
            return;
        }
        let arrived = |delivery| Arrived {
            delivery,
            at,
            queue,
        };
        held.unstarted.extend(deliveries.drain(..).map(arrived));
        let full = self.inbox.no_ack
            && held.recall_at.is_none()
            && held.unstarted.len() >= self.inbox.bound;
        drop(held);
        if full {
            self.inbox.overrun.notify_one();
        }
        self.inbox.consumer.wake();
    }

    fn cancelled(&self) {
        self.inbox.held.lock().cancelled.push(Cancelled {
            queue: self.queue,
            tag: self.tag.clone(),
        });
        self.inbox.consumer.wake();
    }

    fn closed(&self, cause: &CloseCause) {
        let mut held = self.inbox.held.lock();
        if held.closed.is_none() {
            held.closed = Some(cause.clone());
        }
        if !self.inbox.no_ack {
            let left = held.unstarted.len();
            held.unstarted.clear();
            self.inbox.counters.ended(DeliveryEnd::LeftToBroker, left);
        }
        drop(held);
        self.inbox.consumer.wake();
    }
}

#[cfg(test)]
mod tests;
