//! From queues to consumers.

use super::channel::Unacked;
use super::connection::Connection;
use super::ids::{ConnectionId, IdMap, QueueId};
use super::message::Entry;
use super::queue::{Consumer, Queue};
use super::state::State;
use crate::record::{Event, Log};
use crate::wire::encode;

impl State {
    /// Gives what waits in a queue to its consumers, as far as they have room.
    pub(crate) fn deliver(&mut self, id: QueueId) {
        // A message without any time to live still goes to a consumer that is ready now.
        self.expire_messages(id, self.now().saturating_sub(1));
        while let Some(queue) = self.queues.get(&id)
            && queue.ready.len() > 0
            && let Some(index) = next_consumer(queue, &self.connections)
        {
            let struck = self.strike_delivery(id, index);
            let Some(queue) = self.queues.get_mut(&id) else {
                return;
            };
            let consumer = queue.consumers.get(index).map(|consumer| consumer.id);
            let (Some(entry), Some(consumer)) = (queue.ready.pop(), consumer) else {
                return;
            };
            match struck {
                None => hand_over(
                    queue,
                    index,
                    entry,
                    &mut self.connections,
                    &self.log,
                    Handover::Whole,
                ),
                Some(action) => self.faulty_delivery(id, consumer, entry, &action),
            }
        }
        self.expire_messages(id, self.now());
        self.drop_overflow(id);
    }

    /// A client took what waited for it: its consumers can have more.
    pub(crate) fn resume(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get(&id) else {
            return;
        };
        let channels = connection.channels.values();
        let mut queues: Vec<QueueId> = channels
            .flat_map(|channel| channel.consumers.values())
            .map(|one| one.queue)
            .collect();
        queues.sort_unstable();
        queues.dedup();
        for queue in queues {
            self.deliver(queue);
        }
        self.end_operation();
    }
}

/// The first consumer, in order of priority and waiting time, with room for a delivery.
fn next_consumer(queue: &Queue, connections: &IdMap<ConnectionId, Connection>) -> Option<usize> {
    queue.consumers.iter().position(|consumer| {
        (!queue.options.single_active || queue.active == Some(consumer.id))
            && has_room(consumer, connections)
    })
}

fn has_room(consumer: &Consumer, connections: &IdMap<ConnectionId, Connection>) -> bool {
    let Some(connection) = connections.get(&consumer.connection) else {
        return false;
    };
    let Some(channel) = connection.channels.get(&consumer.channel) else {
        return false;
    };
    let below = |limit: u32, used: u32| limit == 0 || used < limit;
    !channel.closing
        && !connection.outbox.is_full()
        && (consumer.no_ack
            || below(consumer.prefetch, consumer.unacked)
                && below(channel.channel_prefetch, channel.consumer_unacked))
}

/// How much of a delivery is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handover {
    Whole,
    /// Half of its first frame.
    Half,
    Unwritten,
}

/// Gives a message to the consumer at `index`.
pub(crate) fn hand_over(
    queue: &mut Queue,
    index: usize,
    entry: Entry,
    connections: &mut IdMap<ConnectionId, Connection>,
    log: &Log,
    how: Handover,
) {
    let Some(consumer) = queue.consumers.get_mut(index) else {
        return;
    };
    let Some(connection) = connections.get_mut(&consumer.connection) else {
        return;
    };
    let Some(channel) = connection.channels.get_mut(&consumer.channel) else {
        return;
    };
    let tag = channel.take_tag();
    let parts = encode::Deliver {
        consumer_tag: &consumer.tag,
        delivery_tag: tag,
        redelivered: entry.redelivered,
        exchange: &entry.message.exchange,
        routing_key: &entry.message.routing_key,
    };
    if how != Handover::Unwritten {
        let (quorum, frame_max) = (queue.options.quorum, connection.frame_max);
        connection.outbox.write(|out| {
            let start = out.len();
            encode::deliver(out, consumer.channel, &parts);
            if how == Handover::Half {
                out.truncate(start + (out.len() - start) / 2);
            } else {
                write_content(out, consumer.channel, quorum, &entry, frame_max);
            }
        });
    }
    if log.is_on() {
        let event = Event::Delivered {
            queue: queue.name.clone(),
            consumer: consumer.tag.clone(),
            tag,
            redelivered: entry.redelivered,
            message_id: entry.message.id(),
        };
        log.add(consumer.connection, consumer.channel, event);
    }
    if !consumer.no_ack {
        consumer.unacked += 1;
        channel.consumer_unacked += 1;
        queue.unacked += 1;
        let consumer = Some(consumer.id);
        channel.unacked.push_back(Unacked {
            tag,
            queue: queue.id,
            consumer,
            entry,
        });
    }
    queue.rotate(index);
}

/// Header and body; a quorum queue tells how often the message came back.
pub(crate) fn write_content(
    out: &mut Vec<u8>,
    channel: u16,
    quorum: bool,
    entry: &Entry,
    frame_max: u32,
) {
    let message = &entry.message;
    let counted = if quorum && entry.returns > 0 {
        message.with_count(entry.returns)
    } else {
        None
    };
    let properties = counted
        .as_deref()
        .unwrap_or_else(|| message.property_bytes());
    encode::content(out, channel, properties, message.body(), frame_max);
}
