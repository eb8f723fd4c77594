//! A publish frame by frame, until its every byte has come.

use std::fmt;
use std::sync::Arc;

use super::channel::{Assembly, PublishHead};
use super::exception::{Exception, Outcome};
use super::message::{Charge, MessageFacts};
use super::queue_options::MAX_EXPIRY;
use super::state::{At, State};
use crate::wire::content::{Properties, split_header};
use crate::wire::method::Publish;

/// Room reserved on a client's word alone; the rest grows as bytes come.
const TRUSTED_BODY_SIZE: u64 = 64 * 1024;

/// A publish whose header has come, and once nothing is missing, all of it.
pub(crate) struct Complete {
    pub(crate) head: PublishHead,
    /// Properties, then body.
    pub(crate) content: Vec<u8>,
    pub(crate) properties_length: u32,
    pub(crate) facts: MessageFacts,
    /// Counts `content` until it is a message.
    charge: Charge,
}

impl Complete {
    /// The property bytes.
    pub(crate) fn properties(&self) -> &[u8] {
        self.content
            .get(..self.properties_length as usize)
            .unwrap_or_default()
    }

    /// The body bytes.
    pub(crate) fn body(&self) -> &[u8] {
        self.content
            .get(self.properties_length as usize..)
            .unwrap_or_default()
    }
}

/// Ids and lengths, never a payload.
impl fmt::Debug for Complete {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = out.debug_struct("Complete");
        shown
            .field("head", &self.head)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
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
        let mut charge = Charge::new(self.assembling.clone());
        charge.add(properties.len());
        let properties_length = properties.len() as u32;
        let message = Complete {
            head,
            content,
            properties_length,
            facts,
            charge,
        };
        if size == 0 {
            return self.publish(at, message);
        }
        self.channel(at)?.assembly = Assembly::Body {
            message,
            missing: size,
        };
        Ok(())
    }

    /// A part of a publish's body.
    pub(crate) fn content_body(&mut self, at: At, payload: &[u8]) -> Outcome {
        if self.assembling.bytes() > self.settings.memory_limit {
            let limit = self.settings.memory_limit;
            return Err(Exception::new(
                506,
                format!("unfinished publishes hold more than {limit} bytes"),
            ));
        }
        let channel = self.channel(at)?;
        let (mut message, missing) = match std::mem::take(&mut channel.assembly) {
            Assembly::Body { message, missing } => (message, missing),
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
        message.content.extend_from_slice(payload);
        message.charge.add(payload.len());
        if missing > 0 {
            channel.assembly = Assembly::Body { message, missing };
            return Ok(());
        }
        self.publish(at, message)
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
        Ok(ms) if ms <= MAX_EXPIRY as u64 => Ok(ms),
        _ => Err(invalid(&format!("{{value_too_large,{number}}}"))),
    }
}
