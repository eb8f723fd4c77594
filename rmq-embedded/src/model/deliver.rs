//! From queues to consumers.

use super::channel::Unacked;
use super::connection::Connection;
use super::ids::{ConnectionId, IdMap, QueueId};
use super::message::Entry;
use super::queue::{Consumer, Queue};
use super::state::State;
use crate::wire::encode;

impl State {
    /// Gives what waits in a queue to its consumers, as far as they have room.
    pub(crate) fn deliver(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        while queue.ready.len() > 0 {
            let Some(index) = next_consumer(queue, &self.connections) else {
                return;
            };
            let Some(entry) = queue.ready.pop() else {
                return;
            };
            hand_over(queue, index, entry, &mut self.connections);
        }
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

fn hand_over(
    queue: &mut Queue,
    index: usize,
    entry: Entry,
    connections: &mut IdMap<ConnectionId, Connection>,
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
    let parts = encode::Deliver {
        consumer_tag: &consumer.tag,
        delivery_tag: channel.take_tag(),
        redelivered: entry.redelivered,
        exchange: &entry.message.exchange,
        routing_key: &entry.message.routing_key,
    };
    connection.outbox.write(|out| {
        encode::deliver(out, consumer.channel, &parts);
        write_content(
            out,
            consumer.channel,
            queue.options.quorum,
            &entry,
            connection.frame_max,
        );
    });
    let tag = parts.delivery_tag;
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
