//! `basic.get`.

use std::sync::Arc;

use amq_protocol::protocol::{AMQPClass, basic};

use super::channel::Unacked;
use super::deliver::write_content;
use super::exception::{Exception, Outcome};
use super::state::{At, State};
use crate::record::Event;
use crate::wire::encode;

impl State {
    /// Fetches the next message of a queue, or says there is none.
    pub(crate) fn get(&mut self, at: At, get: &basic::Get) -> Outcome {
        let id = self.named_queue(at, get.queue.as_str())?;
        self.check_access(at, id)?;
        self.check_read(at, id)?;
        let now = self.now();
        self.expire_messages(id, now);
        let Some(queue) = self.queues.get_mut(&id) else {
            return Ok(());
        };
        queue.last_used = now;
        if queue.is_quorum() && queue.options.single_active {
            let label = self.queues.get(&id).map(|queue| self.queue_label(queue));
            return Err(Exception::resource_locked(format!(
                "cannot obtain access to locked {}. basic.get operations are not supported by quorum \
                 queues with single active consumer",
                label.unwrap_or_default()
            )));
        }
        let Some(entry) = queue.ready.pop() else {
            let empty = basic::AMQPMethod::GetEmpty(basic::GetEmpty {});
            self.send(at, AMQPClass::Basic(empty));
            return Ok(());
        };
        let remaining = queue.ready.len() as u32;
        let quorum = queue.is_quorum();
        let name = queue.name.clone();
        if !get.no_ack {
            queue.unacked += 1;
        }
        let connection = self.connection(at.connection)?;
        let frame_max = connection.frame_max;
        let outbox = connection.outbox.clone();
        let channel = self.channel(at)?;
        let tag = channel.take_tag();
        let parts = encode::Deliver {
            consumer_tag: "",
            delivery_tag: tag,
            redelivered: entry.redelivered,
            exchange: &entry.message.exchange,
            routing_key: &entry.message.routing_key,
        };
        outbox.write(|out| {
            encode::get_ok(out, at.channel, &parts, remaining);
            write_content(out, at.channel, quorum, &entry, frame_max);
        });
        let event = Event::Delivered {
            queue: name,
            consumer: Arc::from(""),
            tag,
            redelivered: entry.redelivered,
            message_id: entry.message.id(),
        };
        if !get.no_ack {
            channel.unacked.push_back(Unacked {
                tag,
                queue: id,
                consumer: None,
                entry,
            });
        }
        self.note(at, || event);
        Ok(())
    }
}
