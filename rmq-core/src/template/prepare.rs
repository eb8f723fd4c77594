//! From a publish put together to one that can be sent: post processors, id, trace context, limits.

use std::mem;

use bytestring::ByteString;
use tracing::Span;
use uuid::Uuid;

use crate::message::{CorrelationData, HeaderLimits, Message, Value};
use crate::observability::{TraceContext, send_span};
use crate::transport::Returns;

use super::channel::REPLY_QUEUE;
use super::engine::Draft;
use super::message_id::{as_text, new_message_id};
use super::publish::{Fault, Publish};
use super::{PublishError, RefusedReason, TemplateSettings};

/// What a publish has when it has passed every check and waits for room only.
#[derive(Debug)]
pub(super) struct Ready {
    message_id: ByteString,
    /// The id, where it was made here: no other message has it.
    own_id: Option<Uuid>,
    span: Option<Box<Span>>,
}

impl Ready {
    /// Takes the message out of its publish.
    pub(super) fn into_draft(self, publish: &mut Publish) -> Draft {
        let settings = publish.template.settings();
        // A reply over direct reply-to is delivered and returned at once by the broker: its ack is its end.
        let mandatory = publish.mandatory.unwrap_or(settings.mandatory)
            && !is_direct_reply(&publish.exchange, &publish.routing_key);
        Draft {
            message: mem::take(&mut publish.message),
            message_id: self.message_id,
            exchange: mem::take(&mut publish.exchange),
            routing_key: mem::take(&mut publish.routing_key),
            returns: match self.own_id {
                _ if !mandatory => Returns::Never,
                Some(id) => Returns::ById(id),
                None => Returns::ByHeader,
            },
            correlation: publish.correlation.take(),
            span: self.span,
        }
    }

    /// Not let in.
    pub(super) fn refuse(
        self,
        publish: &mut Publish,
        reason: RefusedReason,
        cause: ByteString,
    ) -> PublishError {
        refuse(publish, self.message_id, reason, cause, None)
    }
}

/// Whether it goes over RabbitMQ's direct reply-to: the broker hands it to the channel that asked.
pub(crate) fn is_direct_reply(exchange: &str, routing_key: &str) -> bool {
    exchange.is_empty()
        && routing_key
            .strip_prefix(REPLY_QUEUE.as_str())
            .is_some_and(|rest| rest.starts_with('.'))
}

/// Refuses a publish before the window: counted as sent and refused, and the callback is told.
fn refuse(
    publish: &mut Publish,
    message_id: ByteString,
    reason: RefusedReason,
    cause: ByteString,
    source: Option<crate::error::BoxError>,
) -> PublishError {
    let correlation = publish.correlation.clone();
    let correlation = correlation.unwrap_or_else(|| CorrelationData::new(message_id.clone()));
    publish
        .template
        .engine()
        .refused_outside(correlation, cause.clone());
    publish.refuse(message_id, reason, cause, source)
}

/// Makes a publish ready to be sent.
///
/// # Errors
/// When it cannot be sent at all; it is counted as refused.
pub(super) fn prepare(publish: &mut Publish) -> Result<Ready, PublishError> {
    if publish.fault.is_none() {
        for processor in publish.template.post_processors() {
            if let Err(error) = processor.process(&mut publish.message) {
                publish.fault = Some(Box::new(Fault {
                    reason: RefusedReason::PostProcessor,
                    cause: format!("a post processor failed: {error}").into(),
                    source: Some(error),
                }));
                break;
            }
        }
    }
    let properties = publish.message.properties_mut();
    let own_id = properties.message_id.is_none().then(new_message_id);
    let message_id = properties
        .message_id
        .get_or_insert_with(|| own_id.map(as_text).unwrap_or_default())
        .clone();
    let span = trace(publish, &message_id);
    let fault = publish.fault.take().or_else(|| {
        let (reason, cause) = check(&publish.message, publish.template.settings())?;
        Some(Box::new(Fault {
            reason,
            cause,
            source: None,
        }))
    });
    match fault {
        None => Ok(Ready {
            message_id,
            own_id,
            span,
        }),
        Some(fault) => Err(refuse(
            publish,
            message_id,
            fault.reason,
            fault.cause,
            fault.source,
        )),
    }
}

/// Opens the span, and writes the trace context into the headers: a child of the current one; a new trace only when
/// the span is recorded by somebody. A context the caller wrote stays.
fn trace(publish: &mut Publish, message_id: &str) -> Option<Box<Span>> {
    let span = send_span(&publish.exchange, &publish.routing_key, message_id);
    let headers = &mut publish.message.properties_mut().headers;
    let context = match TraceContext::current() {
        Some(context) => context.child(),
        None if span.is_none() => return None,
        None => TraceContext::extract(headers).unwrap_or_else(TraceContext::root),
    };
    if !headers.contains("traceparent") {
        context.inject(headers);
    }
    if span.is_none() {
        return None;
    }
    span.record("trace_id", format!("{:032x}", context.trace_id()));
    span.record("span_id", format!("{:016x}", context.span_id()));
    Some(Box::new(span))
}

/// What the broker, or AMQP, would not take.
fn check(message: &Message, settings: &TemplateSettings) -> Option<(RefusedReason, ByteString)> {
    let length = message.body().len();
    if u64::try_from(length).unwrap_or(u64::MAX) > settings.max_message_size {
        let words = format!(
            "its body has {length} bytes, and publisher.max-message-size allows {}",
            settings.max_message_size
        );
        return Some((RefusedReason::TooLarge, words.into()));
    }
    if let Some(name) = message.properties().too_long() {
        let words = format!("its property {name} is longer than AMQP's 255 bytes");
        return Some((RefusedReason::NameTooLong, words.into()));
    }
    check_headers(message, settings.headers)
}

fn check_headers(message: &Message, limits: HeaderLimits) -> Option<(RefusedReason, ByteString)> {
    let headers = &message.properties().headers;
    if headers.is_empty_on_the_wire() {
        return None;
    }
    if headers.name_too_long().is_some() {
        let words = "the name of one of its headers is longer than AMQP's 255 bytes";
        return Some((RefusedReason::NameTooLong, words.into()));
    }
    if let Some(fault) = headers.fault() {
        let words = format!("its header table cannot be sent: {fault}");
        return Some((RefusedReason::Headers, words.into()));
    }
    let mut bytes = 0;
    for (name, value) in headers.iter() {
        bytes += 2 + name.len();
        match size(value, limits.levels().saturating_sub(1)) {
            Some(size) => bytes += size,
            None => {
                let words = format!(
                    "its headers are nested deeper than {} levels",
                    limits.levels()
                );
                return Some((RefusedReason::Headers, words.into()));
            }
        }
    }
    (bytes > limits.bytes).then(|| {
        let words = format!(
            "its header table has {bytes} bytes, and the limit is {}",
            limits.bytes
        );
        (RefusedReason::Headers, words.into())
    })
}

/// Bytes of a value without its type letter, at least; `None` when it is nested deeper than `depth` more levels. So
/// deep the call goes, and no deeper.
fn size(value: &Value, depth: usize) -> Option<usize> {
    let all = |values: &mut dyn Iterator<Item = (usize, &Value)>| {
        let depth = depth.checked_sub(1)?;
        let mut total = 4;
        for (name, value) in values {
            total += 1 + name + size(value, depth)?;
        }
        Some(total)
    };
    match value {
        Value::Text(text) => Some(4 + text.len()),
        Value::LongString(bytes) | Value::Bytes(bytes) => Some(4 + bytes.len()),
        Value::Array(values) => all(&mut values.iter().map(|value| (0, value))),
        Value::Table(fields) => {
            all(&mut fields.iter().map(|(name, value)| (1 + name.len(), value)))
        }
        _ => Some(8),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn deep(levels: usize) -> Value {
        (0..levels).fold(Value::Bool(true), |inner, _| Value::Array(vec![inner]))
    }

    fn checked(message: &Message) -> Option<RefusedReason> {
        check(message, &TemplateSettings::default()).map(|(reason, _)| reason)
    }

    #[test]
    fn what_amqp_cannot_carry_is_found_before_it_is_sent() {
        let message = || Message::new("body");
        assert_eq!(checked(&message().with_header("a", 1i32)), None);
        let long = "x".repeat(256);
        assert_eq!(
            checked(&message().with_message_id(long.clone())),
            Some(RefusedReason::NameTooLong)
        );
        assert_eq!(
            checked(&message().with_header(long, 1i32)),
            Some(RefusedReason::NameTooLong)
        );
        assert_eq!(
            checked(&message().with_header("big", "x".repeat(200_000))),
            Some(RefusedReason::Headers)
        );
        assert_eq!(checked(&message().with_header("deep", deep(31))), None);
        assert_eq!(
            checked(&message().with_header("deep", deep(32))),
            Some(RefusedReason::Headers)
        );
        let mut small = TemplateSettings::default();
        small.max_message_size = 3;
        let (reason, words) = check(&message(), &small).unwrap();
        assert_eq!(reason, RefusedReason::TooLarge);
        assert!(words.contains("4 bytes"), "{words}");
    }

    /// RabbitMQ copies properties of up to 64 bytes and shares larger ones: on classic queues that costs it a third of
    /// its throughput (`docs/decisions/0006-a-return-is-found-by-an-id-of-ours.md`).
    #[test]
    fn what_we_say_about_a_json_message_fits_64_bytes() {
        let mut message = Message::new("{}").with_message_id(as_text(new_message_id()));
        message.properties_mut().content_type = Some("application/json".into());
        let mut written = bytes::BytesMut::new();
        crate::message::wire::write_properties(&mut written, message.properties(), None);
        assert!(written.len() <= 64, "{}", written.len());
    }

    #[test]
    fn only_a_reply_over_direct_reply_to_goes_without_mandatory() {
        assert!(is_direct_reply("", "amq.rabbitmq.reply-to.g1h2.x"));
        assert!(!is_direct_reply("", "amq.rabbitmq.reply-to"));
        assert!(!is_direct_reply("x", "amq.rabbitmq.reply-to.g1h2.x"));
        assert!(!is_direct_reply("", "orders"));
    }
}
