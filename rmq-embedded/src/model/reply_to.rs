//! Direct reply-to: answers go straight to a channel, through no queue.

use std::sync::Arc;

use amq_protocol::protocol::{AMQPClass, basic, queue};

use super::exception::{Exception, Outcome};
use super::message::Message;
use super::state::{At, State};
use crate::wire::encode;

/// The name that stands for the channel's own reply consumer.
pub(crate) const REPLY_TO: &str = "amq.rabbitmq.reply-to";
/// What addresses begin with.
pub(crate) const ADDRESS_PREFIX: &str = "amq.rabbitmq.reply-to.";

/// Text nobody guesses and nobody else has.
pub(crate) fn token() -> String {
    std::iter::repeat_with(fastrand::alphanumeric)
        .take(22)
        .collect()
}

impl State {
    /// `basic.consume` on the reply-to name.
    pub(crate) fn consume_replies(&mut self, at: At, consume: &basic::Consume) -> Outcome {
        let requested = consume.consumer_tag.as_str();
        let channel = self.channel(at)?;
        if channel.replies.is_some() {
            return Err(Exception::precondition_failed("reply consumer already set"));
        }
        if !consume.no_ack {
            return Err(Exception::precondition_failed(
                "reply consumer cannot acknowledge",
            ));
        }
        let tag: Arc<str> = match requested {
            "" => Arc::from(format!("amq.ctag-{}", token())),
            given => Arc::from(given),
        };
        let address: Box<str> = Box::from(token());
        channel.replies = Some((tag.clone(), address.clone()));
        self.reply_addresses
            .insert(address, (at.connection, at.channel));
        if !consume.nowait {
            self.send_consume_ok(at, &tag);
        }
        Ok(())
    }

    /// Ends a channel's reply consumer, where it has one.
    pub(crate) fn cancel_replies(&mut self, at: At) {
        if let Some(connection) = self.connections.get_mut(&at.connection)
            && let Some(channel) = connection.channels.get_mut(&at.channel)
            && let Some((_, address)) = channel.replies.take()
        {
            self.reply_addresses.remove(&address);
        }
    }

    /// `queue.declare` of a reply address asks whether it is still there.
    pub(crate) fn declare_reply_queue(&mut self, at: At, name: &str) -> Outcome {
        let alive = match name.strip_prefix(ADDRESS_PREFIX) {
            Some(address) => self.reply_addresses.contains_key(address),
            None => name == REPLY_TO,
        };
        if !alive {
            let label = self.vhost_of(at.connection)?.queue_label(name);
            return Err(Exception::not_found(format!("no {label}")));
        }
        let ok = queue::DeclareOk {
            queue: name.into(),
            message_count: 0,
            consumer_count: 1,
        };
        self.send(at, AMQPClass::Queue(queue::AMQPMethod::DeclareOk(ok)));
        Ok(())
    }

    /// The address that replaces the reply-to name in a message published on this channel.
    pub(crate) fn reply_address(&mut self, at: At) -> Outcome<String> {
        let replies = self.channel(at)?.replies.as_ref();
        replies
            .map(|(_, address)| format!("{ADDRESS_PREFIX}{address}"))
            .ok_or_else(|| Exception::precondition_failed("fast reply consumer does not exist"))
    }

    /// Hands a message on the default exchange to the reply consumer its key names.
    pub(crate) fn deliver_reply(&mut self, message: &Message) {
        let Some(address) = message.routing_key.strip_prefix(ADDRESS_PREFIX) else {
            return;
        };
        let Some((connection, number)) = self.reply_addresses.get(address).copied() else {
            return;
        };
        let Some(connection) = self.connections.get_mut(&connection) else {
            return;
        };
        let Some(channel) = connection.channels.get_mut(&number) else {
            return;
        };
        let delivery_tag = channel.take_tag();
        let Some((tag, _)) = &channel.replies else {
            return;
        };
        let parts = encode::Deliver {
            consumer_tag: tag,
            delivery_tag,
            redelivered: false,
            exchange: "",
            routing_key: &message.routing_key,
        };
        connection.outbox.write(|out| {
            encode::deliver(out, number, &parts);
            let properties = message.property_bytes();
            encode::content(
                out,
                number,
                properties,
                message.body(),
                connection.frame_max,
            );
        });
    }
}
