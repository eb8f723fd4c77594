//! A whole message: routed, stored, returned where nothing takes it, confirmed.

use std::sync::Arc;

use super::assembly::Complete;
use super::confirm::Confirms;
use super::exception::{Exception, Outcome};
use super::ids::QueueId;
use super::message::Message;
use super::reply_to;
use super::routing;
use super::state::{At, State};
use super::strike::Flow;
use crate::fault::{Action, AtPublish};
use crate::record::Event;
use crate::wire::content::{Edit, Properties, rewrite};
use crate::wire::encode;

impl State {
    /// Routes and stores a whole message, then returns or confirms it.
    pub(crate) fn publish(&mut self, at: At, complete: Complete) -> Outcome {
        self.check_publish(at, &complete)?;
        let Complete {
            head,
            content,
            properties_length,
            facts,
        } = self.with_reply_address(at, complete)?;
        let tag = self.channel(at)?.confirms.as_mut().map(Confirms::take_tag);
        let (exchange, key) = (head.exchange, head.routing_key);
        let gauge = self.memory.clone();
        let message = Message::new(exchange, key, content, properties_length, facts, gauge);
        let message = Arc::new(message);
        self.note(at, || published(&message, tag));
        let vhost = self.connection(at.connection)?.vhost;
        let queues = self.route_message(vhost, &message);
        match self.strike_publish(at, &message, &queues) {
            None => {}
            Some(Action::Publish(action)) => {
                self.publish_with_fault(at, &message, &queues, (head.mandatory, tag), action);
                return Ok(());
            }
            Some(other) => {
                if self.carry_out(at, &other)? == Flow::Instead {
                    return Ok(());
                }
            }
        }
        self.publish_reply(&message);
        if queues.is_empty() && head.mandatory {
            self.return_message(at, &message);
        }
        let refused = self.store(at, &message, &queues);
        if let Some(tag) = tag {
            self.confirm(at, tag, refused);
        }
        self.block_publisher(at.connection);
        Ok(())
    }

    fn publish_with_fault(
        &mut self,
        at: At,
        message: &Arc<Message>,
        queues: &[QueueId],
        (mandatory, tag): (bool, Option<u64>),
        action: AtPublish,
    ) {
        let forced = matches!(action, AtPublish::Return { .. });
        if forced || queues.is_empty() && mandatory {
            self.return_message(at, message);
        }
        if !forced && action != (AtPublish::Nack { stored: false }) {
            self.publish_reply(message);
            self.store(at, message, queues);
        }
        match (action, tag) {
            (AtPublish::CutAfterStoring | AtPublish::CutAfterReturn, _) => {
                self.cut_link(at.connection);
            }
            (action, Some(tag)) => self.faulty_confirm(at, tag, action),
            (_, None) => {}
        }
        self.block_publisher(at.connection);
    }

    fn publish_reply(&mut self, message: &Message) {
        if message.exchange.is_empty() && message.routing_key.starts_with(reply_to::ADDRESS_PREFIX)
        {
            self.deliver_reply(message);
        }
    }

    /// Stores a message in its queues; true where one refused it.
    fn store(&mut self, at: At, message: &Arc<Message>, queues: &[QueueId]) -> bool {
        let mut refused = false;
        for queue in queues {
            if self.enqueue(*queue, message) {
                self.note_stored(at, *queue, message);
            } else {
                refused = true;
            }
            self.deliver(*queue);
        }
        self.watch_memory();
        refused
    }

    fn note_stored(&self, at: At, queue: QueueId, message: &Message) {
        if let Some(queue) = self.queues.get(&queue) {
            let queue = &queue.name;
            self.note(at, || Event::Stored {
                queue: queue.clone(),
                message_id: message.id(),
            });
        }
    }

    fn check_publish(&mut self, at: At, complete: &Complete) -> Outcome {
        let user = self.connection(at.connection)?.user.clone();
        let vhost = self.vhost_of(at.connection)?;
        let name = &complete.head.exchange;
        if !name.is_empty() && vhost.exchange(name)?.internal {
            let label = vhost.exchange_label(name);
            return Err(Exception::access_refused(format!(
                "cannot publish to internal {label}"
            )));
        }
        let properties = complete.content.get(..complete.properties_length as usize);
        let claimed = Properties::scan(properties.unwrap_or_default())
            .ok()
            .and_then(|p| p.user_id);
        match claimed {
            Some(claimed) if claimed != user.as_bytes() => {
                Err(Exception::precondition_failed(format!(
                    "user_id property set to '{}' but authenticated user was '{user}'",
                    String::from_utf8_lossy(claimed)
                )))
            }
            _ => Ok(()),
        }
    }

    /// Replaces the reply-to name in the properties by the channel's own address.
    fn with_reply_address(&mut self, at: At, mut complete: Complete) -> Outcome<Complete> {
        let length = complete.properties_length as usize;
        let properties = complete.content.get(..length).unwrap_or_default();
        let asked = Properties::scan(properties)
            .ok()
            .and_then(|found| found.reply_to);
        if asked != Some(reply_to::REPLY_TO.as_bytes()) {
            return Ok(complete);
        }
        let address = self.reply_address(at)?;
        let edit = Edit {
            reply_to: Some(address.as_bytes()),
            ..Edit::default()
        };
        let mut content = Vec::new();
        rewrite(properties, &edit, &mut content)
            .map_err(|_| Exception::syntax_error("could not decode a content header"))?;
        complete.properties_length = content.len() as u32;
        content.extend_from_slice(complete.content.get(length..).unwrap_or_default());
        complete.content = content;
        Ok(complete)
    }

    /// The queues a message goes to, by its own key and those in CC and BCC.
    pub(crate) fn route_message(&mut self, vhost: usize, message: &Message) -> Vec<QueueId> {
        let Some(vhost) = self.vhosts.get(vhost) else {
            return Vec::new();
        };
        let headers = message.properties().headers;
        let mut queues = Vec::new();
        routing::route(
            vhost,
            &message.exchange,
            &message.routing_key,
            headers,
            &mut queues,
        );
        let extra = routing::extra_keys(headers);
        if !extra.is_empty() {
            let mut more = Vec::new();
            for key in extra {
                routing::route(vhost, &message.exchange, &key, headers, &mut more);
                queues.append(&mut more);
            }
            queues.sort_unstable();
            queues.dedup();
        }
        queues
    }

    fn return_message(&mut self, at: At, message: &Message) {
        self.note(at, || returned(message));
        let Some(connection) = self.connections.get(&at.connection) else {
            return;
        };
        connection.outbox.write(|out| {
            let (exchange, key) = (&message.exchange, &message.routing_key);
            encode::returned(out, at.channel, (312, "NO_ROUTE"), exchange, key);
            let properties = message.property_bytes();
            encode::content(
                out,
                at.channel,
                properties,
                message.body(),
                connection.frame_max,
            );
        });
    }
}

fn published(message: &Message, tag: Option<u64>) -> Event {
    Event::Published {
        exchange: message.exchange.clone(),
        routing_key: Arc::from(&*message.routing_key),
        message_id: message.id(),
        tag: tag.unwrap_or(0),
    }
}

fn returned(message: &Message) -> Event {
    Event::Returned {
        exchange: message.exchange.clone(),
        routing_key: Arc::from(&*message.routing_key),
        message_id: message.id(),
    }
}
