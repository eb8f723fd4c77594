//! A publish from its first frame to its queues, its return and its confirm.

use std::sync::Arc;

use super::channel::{Assembly, PublishHead};
use super::exception::{Exception, Outcome};
use super::ids::QueueId;
use super::message::{Entry, Message, MessageFacts};
use super::reply_to;
use super::routing;
use super::state::{At, State};
use crate::wire::content::{Edit, Properties, rewrite, split_header};
use crate::wire::encode;
use crate::wire::method::Publish;

/// Room reserved on a client's word alone; the rest grows as bytes come.
const TRUSTED_BODY_SIZE: u64 = 64 * 1024;

/// A publish whose every byte has come.
#[derive(Debug)]
pub(crate) struct Complete {
    pub(crate) head: PublishHead,
    pub(crate) content: Vec<u8>,
    pub(crate) properties_length: u32,
    pub(crate) facts: MessageFacts,
}

impl State {
    /// `basic.publish`: its content follows.
    pub(crate) fn publish_method(&mut self, at: At, publish: Publish<'_>) -> Outcome {
        if publish.immediate {
            return Err(Exception::not_implemented("immediate=true"));
        }
        let vhost = self.vhost_of(at.connection)?;
        let known = vhost
            .exchanges
            .get_key_value(publish.exchange)
            .map(|(name, _)| name.clone());
        let head = PublishHead {
            exchange: known.unwrap_or_else(|| Arc::from(publish.exchange)),
            routing_key: Box::from(publish.routing_key),
            mandatory: publish.mandatory,
        };
        self.connection(at.connection)?.has_published = true;
        self.channel(at)?.assembly = Assembly::Header(head);
        Ok(())
    }

    /// The content header of a publish.
    pub(crate) fn content_header(&mut self, at: At, payload: &[u8]) -> Outcome {
        let max_size = self.settings.max_message_size;
        let channel = self.channel(at)?;
        let head = match std::mem::take(&mut channel.assembly) {
            Assembly::Header(head) => head,
            Assembly::Idle => return Err(expected_method()),
            Assembly::Body { .. } => {
                return Err(Exception::unexpected_frame(
                    "expected content body, got non content body frame instead",
                ));
            }
        };
        let unreadable = |_| Exception::syntax_error("could not decode a content header");
        let (class, size, properties) = split_header(payload).map_err(unreadable)?;
        if class != 60 {
            return Err(Exception::unexpected_frame(format!(
                "expected content header for class 60, got one for class {class} instead"
            )));
        }
        if size > max_size {
            return Err(Exception::precondition_failed(format!(
                "message size {size} is larger than configured max size {max_size}"
            )));
        }
        let facts = facts(&Properties::scan(properties).map_err(unreadable)?)?;
        let room = properties.len() + size.min(TRUSTED_BODY_SIZE) as usize;
        let mut content = Vec::with_capacity(room);
        content.extend_from_slice(properties);
        let properties_length = properties.len() as u32;
        if size == 0 {
            return self.publish(
                at,
                Complete {
                    head,
                    content,
                    properties_length,
                    facts,
                },
            );
        }
        channel.assembly = Assembly::Body {
            head,
            content,
            properties_length,
            facts,
            missing: size,
        };
        Ok(())
    }

    /// A part of a publish's body.
    pub(crate) fn content_body(&mut self, at: At, payload: &[u8]) -> Outcome {
        let channel = self.channel(at)?;
        let (head, mut content, properties_length, facts, missing) = match std::mem::take(
            &mut channel.assembly,
        ) {
            Assembly::Body {
                head,
                content,
                properties_length,
                facts,
                missing,
            } => (head, content, properties_length, facts, missing),
            Assembly::Idle => return Err(expected_method()),
            Assembly::Header(_) => {
                return Err(Exception::unexpected_frame(
                    "expected content header for class 60, got non content header frame instead",
                ));
            }
        };
        let Some(missing) = missing.checked_sub(payload.len() as u64) else {
            return Err(Exception::frame_error(
                "a body is longer than its header said",
            ));
        };
        content.extend_from_slice(payload);
        if missing > 0 {
            channel.assembly = Assembly::Body {
                head,
                content,
                properties_length,
                facts,
                missing,
            };
            return Ok(());
        }
        self.publish(
            at,
            Complete {
                head,
                content,
                properties_length,
                facts,
            },
        )
    }

    /// Routes and stores a whole message, then returns or confirms it.
    fn publish(&mut self, at: At, complete: Complete) -> Outcome {
        self.check_publish(at, &complete)?;
        let Complete {
            head,
            content,
            properties_length,
            facts,
        } = self.with_reply_address(at, complete)?;
        let tag = self
            .channel(at)?
            .confirms
            .as_mut()
            .map(super::confirm::Confirms::take_tag);
        let message = Arc::new(Message::new(
            head.exchange,
            head.routing_key,
            content,
            properties_length,
            facts,
        ));
        let vhost = self.connection(at.connection)?.vhost;
        let queues = self.route_message(vhost, &message);
        if message.exchange.is_empty() && message.routing_key.starts_with(reply_to::ADDRESS_PREFIX)
        {
            self.deliver_reply(&message);
        }
        if queues.is_empty() && head.mandatory {
            self.return_message(at, &message, (312, "NO_ROUTE"));
        }
        let mut refused = false;
        for queue in queues {
            refused |= !self.enqueue(queue, &message);
            self.deliver(queue);
        }
        if let Some(tag) = tag {
            self.confirm(at, tag, refused);
        }
        Ok(())
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

    /// Stores a message in a queue; false where the queue refuses it.
    pub(crate) fn enqueue(&mut self, queue: QueueId, message: &Arc<Message>) -> bool {
        let now = self.now();
        let Some(queue) = self.queues.get_mut(&queue) else {
            return true;
        };
        let ttl = match (message.ttl_ms, queue.options.message_ttl) {
            (Some(own), Some(common)) => Some(own.min(common)),
            (own, common) => own.or(common),
        };
        let entry = Entry {
            message: message.clone(),
            position: queue.next_position(),
            expires_at: ttl.map(|ttl| now.saturating_add(ttl)),
            returns: 0,
            redelivered: false,
        };
        queue.ready.push(entry);
        true
    }

    fn return_message(&mut self, at: At, message: &Message, reply: (u16, &str)) {
        let Some(connection) = self.connections.get(&at.connection) else {
            return;
        };
        connection.outbox.write(|out| {
            encode::returned(
                out,
                at.channel,
                reply,
                &message.exchange,
                &message.routing_key,
            );
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

    /// Confirms a publish: an ack at the end of the batch, a nack at once.
    fn confirm(&mut self, at: At, tag: u64, refused: bool) {
        let Some(connection) = self.connections.get_mut(&at.connection) else {
            return;
        };
        let Some(confirms) = connection
            .channels
            .get_mut(&at.channel)
            .and_then(|channel| channel.confirms.as_mut())
        else {
            return;
        };
        if refused {
            connection
                .outbox
                .write(|out| confirms.nack(at.channel, tag, out));
            return;
        }
        if !confirms.has_waiting() {
            connection.unflushed.push(at.channel);
        }
        confirms.ack(tag);
    }

    /// Writes the acks that wait on a channel.
    pub(crate) fn flush_confirms(&mut self, at: At) {
        let Some(connection) = self.connections.get_mut(&at.connection) else {
            return;
        };
        let confirms = connection
            .channels
            .get_mut(&at.channel)
            .and_then(|channel| channel.confirms.as_mut());
        if let Some(confirms) = confirms {
            connection
                .outbox
                .write(|out| confirms.flush(at.channel, out));
        }
    }

    /// A batch of a client's frames is done: its gathered acks go out.
    pub(crate) fn end_batch(&mut self, id: super::ids::ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        for channel in std::mem::take(&mut connection.unflushed) {
            self.flush_confirms(At {
                connection: id,
                channel,
            });
        }
    }
}

fn expected_method() -> Exception {
    Exception::unexpected_frame("expected method frame, got non method frame instead")
}

fn facts(properties: &Properties<'_>) -> Outcome<MessageFacts> {
    let ttl_ms = properties.expiration.map(expiration).transpose()?;
    Ok(MessageFacts {
        persistent: properties.persistent(),
        priority: properties.priority.unwrap_or(0),
        ttl_ms,
    })
}

/// The expiration property: a whole number of milliseconds as text.
fn expiration(text: &[u8]) -> Outcome<u64> {
    let text = String::from_utf8_lossy(text);
    let invalid =
        |why: &str| Exception::precondition_failed(format!("invalid expiration '{text}': {why}"));
    let sign = usize::from(text.starts_with(['-', '+']));
    let digits = text
        .chars()
        .skip(sign)
        .take_while(char::is_ascii_digit)
        .count();
    let (number, rest) = text.split_at(if digits == 0 { 0 } else { sign + digits });
    if number.is_empty() {
        return Err(invalid("no_integer"));
    }
    if !rest.is_empty() {
        return Err(invalid(&format!("{{leftover_string,\"{rest}\"}}")));
    }
    if number.starts_with('-') {
        return Err(invalid(&format!("{{value_negative,{number}}}")));
    }
    let number = number.trim_start_matches('+');
    match number.parse::<u64>() {
        Ok(ms) if ms <= super::queue_options::MAX_EXPIRY as u64 => Ok(ms),
        _ => Err(invalid(&format!("{{value_too_large,{number}}}"))),
    }
}
