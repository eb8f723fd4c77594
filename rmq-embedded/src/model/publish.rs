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
use crate::permissions::Access;
use crate::record::Event;
use crate::wire::content::{Edit, Properties, rewrite};
use crate::wire::encode;
use crate::wire::table::{RawTable, TableWriter};

impl State {
    /// Takes a whole message; in a transaction it waits for the commit.
    pub(crate) fn publish(&mut self, at: At, complete: Complete) -> Outcome {
        self.check_publish(at, &complete)?;
        let complete = self.with_reply_address(at, complete)?;
        match self.channel(at)?.transaction.as_mut() {
            Some(transaction) => {
                transaction.publishes.push(complete);
                Ok(())
            }
            None => self.publish_now(at, complete),
        }
    }

    /// Routes and stores a message, then returns or confirms it.
    pub(crate) fn publish_now(&mut self, at: At, complete: Complete) -> Outcome {
        let extra = routing::extra_keys(headers_of(&complete));
        let complete = without_bcc(complete)?;
        let tag = self.channel(at)?.confirms.as_mut().map(Confirms::take_tag);
        let Complete {
            head,
            content,
            properties_length,
            facts,
            ..
        } = complete;
        let (exchange, key) = (head.exchange, head.routing_key);
        let gauge = self.memory.clone();
        let message = Message::new(exchange, key, content, properties_length, facts, gauge);
        let message = Arc::new(message);
        self.note(at, || published(&message, tag));
        let vhost = self.connection(at.connection)?.vhost;
        let queues = self.route_message(vhost, &message, &extra);
        match self.strike_publish(at, &message, &queues) {
            None => {}
            Some(Action::Publish(action)) => {
                self.publish_with_fault(at, &message, &queues, (head.mandatory, tag), action);
                return Ok(());
            }
            Some(other) if self.carry_out(at, &other)? == Flow::Instead => return Ok(()),
            Some(_) => {}
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
        let name = &complete.head.exchange;
        self.check_exchange_access(at, Access::Write, name)?;
        let vhost = self.vhost_of(at.connection)?;
        if !name.is_empty() && vhost.exchange(name)?.internal {
            let label = vhost.exchange_label(name);
            return Err(Exception::access_refused(format!(
                "cannot publish to internal {label}"
            )));
        }
        routing::check_extra_keys(headers_of(complete))?;
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
    fn with_reply_address(&mut self, at: At, complete: Complete) -> Outcome<Complete> {
        let asked = Properties::scan(complete.properties())
            .ok()
            .and_then(|found| found.reply_to);
        if asked != Some(reply_to::REPLY_TO.as_bytes()) {
            return Ok(complete);
        }
        let address = self.reply_address(at)?;
        edited(
            complete,
            &Edit {
                reply_to: Some(address.as_bytes()),
                ..Edit::default()
            },
        )
    }

    /// The queues a message goes to, by its own key and by `extra` ones.
    pub(crate) fn route_message(
        &mut self,
        vhost: usize,
        message: &Message,
        extra: &[Arc<str>],
    ) -> Vec<QueueId> {
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
        if !extra.is_empty() {
            let mut more = Vec::new();
            for key in extra {
                routing::route(vhost, &message.exchange, key, headers, &mut more);
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

fn headers_of(complete: &Complete) -> Option<RawTable<'_>> {
    Properties::scan(complete.properties()).ok()?.headers
}

/// Nobody but the broker sees the `BCC` header.
fn without_bcc(complete: Complete) -> Outcome<Complete> {
    let Some(headers) = headers_of(&complete).filter(|headers| headers.get("BCC").is_some()) else {
        return Ok(complete);
    };
    let mut kept = TableWriter::default();
    for (key, value) in headers
        .entries()
        .filter_map(Result::ok)
        .filter(|(key, _)| key != b"BCC")
    {
        kept.raw(key, value);
    }
    let kept = kept.0;
    edited(
        complete,
        &Edit {
            headers: Some(&kept),
            ..Edit::default()
        },
    )
}

fn edited(mut complete: Complete, edit: &Edit<'_>) -> Outcome<Complete> {
    let mut content = Vec::new();
    rewrite(complete.properties(), edit, &mut content)
        .map_err(|_| Exception::syntax_error("could not decode a content header"))?;
    let properties_length = content.len() as u32;
    content.extend_from_slice(complete.body());
    complete.content = content;
    complete.properties_length = properties_length;
    Ok(complete)
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
