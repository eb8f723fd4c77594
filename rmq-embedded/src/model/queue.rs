//! A queue: what waits in it, who consumes from it, what its arguments ask for.

use std::collections::VecDeque;
use std::sync::Arc;

use amq_protocol::types::FieldTable;

use super::ids::{ConnectionId, ConsumerId, QueueId};
use super::message::Entry;
use super::queue_options::QueueOptions;
use super::ready::Ready;

/// A consumer, as its queue knows it.
#[derive(Debug)]
pub(crate) struct Consumer {
    pub(crate) id: ConsumerId,
    pub(crate) connection: ConnectionId,
    pub(crate) channel: u16,
    pub(crate) tag: Arc<str>,
    pub(crate) no_ack: bool,
    pub(crate) exclusive: bool,
    pub(crate) priority: i64,
    /// 0 means no limit.
    pub(crate) prefetch: u32,
    pub(crate) unacked: u32,
}

/// A declared queue.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) id: QueueId,
    pub(crate) name: Arc<str>,
    /// Index of the vhost.
    pub(crate) vhost: usize,
    pub(crate) durable: bool,
    pub(crate) auto_delete: bool,
    /// The one connection that may use it.
    pub(crate) owner: Option<ConnectionId>,
    pub(crate) arguments: FieldTable,
    pub(crate) options: QueueOptions,
    pub(crate) ready: Ready,
    /// Delivered and not settled.
    pub(crate) unacked: usize,
    /// By priority, highest first; within one priority the one that waited longest.
    pub(crate) consumers: VecDeque<Consumer>,
    pub(crate) had_consumer: bool,
    /// With `x-single-active-consumer`: who has its turn.
    pub(crate) active: Option<ConsumerId>,
    pub(crate) next_position: u64,
    /// Milliseconds on the broker's clock; `x-expires` counts from here.
    pub(crate) last_used: u64,
    /// A message with an expiry may be waiting.
    pub(crate) has_expiring: bool,
    /// When the timer for the head is set.
    pub(crate) head_timer: Option<u64>,
    /// The exchanges with bindings to this queue, each once.
    pub(crate) bound_to: Vec<Arc<str>>,
    /// Dead, but not yet taken by every queue it must reach (at-least-once).
    pub(crate) dead: VecDeque<(Entry, &'static str)>,
}

impl Queue {
    /// An entry at the queue's end for a message.
    pub(crate) fn next_position(&mut self) -> u64 {
        self.next_position += 1;
        self.next_position
    }

    /// Adds a consumer behind those of its priority.
    pub(crate) fn add_consumer(&mut self, consumer: Consumer) {
        let at = self
            .consumers
            .partition_point(|other| other.priority >= consumer.priority);
        self.had_consumer = true;
        if self.options.single_active && self.active.is_none() {
            self.active = Some(consumer.id);
        }
        self.consumers.insert(at, consumer);
    }

    /// Removes a consumer; the next in line becomes the active one.
    pub(crate) fn remove_consumer(&mut self, id: ConsumerId) -> Option<Consumer> {
        let at = self
            .consumers
            .iter()
            .position(|consumer| consumer.id == id)?;
        let removed = self.consumers.remove(at);
        if self.active == Some(id) {
            self.active = self.consumers.front().map(|next| next.id);
        }
        removed
    }

    pub(crate) fn consumer_mut(&mut self, id: ConsumerId) -> Option<&mut Consumer> {
        self.consumers.iter_mut().find(|consumer| consumer.id == id)
    }

    /// Lets the consumer at `index` wait behind the others of its priority.
    pub(crate) fn rotate(&mut self, index: usize) {
        let Some(priority) = self.consumers.get(index).map(|consumer| consumer.priority) else {
            return;
        };
        let end = self
            .consumers
            .partition_point(|other| other.priority >= priority);
        if end > index + 1
            && let Some(consumer) = self.consumers.remove(index)
        {
            self.consumers.insert(end - 1, consumer);
        }
    }

    /// Quorum queues tell and limit how often a message came back.
    pub(crate) fn is_quorum(&self) -> bool {
        self.options.quorum
    }
}
