//! What a queue's arguments ask for, read once when it is declared.

use std::sync::Arc;

use amq_protocol::types::{AMQPValue, FieldTable};

use super::arguments;
use super::exception::{Exception, Outcome};

/// What happens to a message for which there is no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// The oldest message goes.
    #[default]
    DropHead,
    /// The new message is refused: a nack for its publisher.
    RejectPublish,
    /// As `RejectPublish`, and the new message is dead-lettered.
    RejectPublishDlx,
}

/// The arguments of a queue as values.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueueOptions {
    pub(crate) quorum: bool,
    pub(crate) message_ttl: Option<u64>,
    pub(crate) expires: Option<u64>,
    pub(crate) max_length: Option<usize>,
    pub(crate) max_bytes: Option<usize>,
    pub(crate) overflow: Overflow,
    pub(crate) dead_letter_exchange: Option<Arc<str>>,
    pub(crate) dead_letter_key: Option<Arc<str>>,
    pub(crate) at_least_once: bool,
    pub(crate) max_priority: Option<u8>,
    pub(crate) single_active: bool,
    pub(crate) delivery_limit: Option<u32>,
}

/// Longest time RabbitMQ takes, in milliseconds: ten years.
pub(crate) const MAX_EXPIRY: i64 = 315_360_000_000;

/// Arguments only classic queues know.
const CLASSIC_ONLY: [&str; 3] = ["x-max-priority", "x-queue-mode", "x-queue-version"];
/// Arguments only quorum queues know.
const QUORUM_ONLY: [&str; 5] = [
    "x-delivery-limit",
    "x-dead-letter-strategy",
    "x-quorum-initial-group-size",
    "x-max-in-memory-length",
    "x-max-in-memory-bytes",
];
/// Arguments both know.
const SHARED: [&str; 11] = [
    "x-expires",
    "x-message-ttl",
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-max-length",
    "x-max-length-bytes",
    "x-overflow",
    "x-single-active-consumer",
    "x-queue-type",
    "x-queue-master-locator",
    "x-queue-leader-locator",
];

/// The arguments whose equivalence a second declaration is held to.
pub(crate) fn compared_keys(quorum: bool) -> Vec<&'static str> {
    let own: &[&str] = if quorum { &QUORUM_ONLY } else { &CLASSIC_ONLY };
    SHARED.iter().chain(own).copied().collect()
}

impl QueueOptions {
    /// Reads and checks the arguments of a declaration; `label` names the queue in texts.
    pub(crate) fn read(table: &FieldTable, label: &str) -> Outcome<Self> {
        let reader = Arguments { table, label };
        let quorum = reader.queue_type()?;
        if quorum {
            reader.refuse(&CLASSIC_ONLY, "rabbit_quorum_queue")?;
        } else {
            reader.refuse(&QUORUM_ONLY, "rabbit_classic_queue")?;
        }
        let options = Self {
            quorum,
            expires: reader.expires()?,
            message_ttl: reader.expiry("x-message-ttl")?,
            dead_letter_exchange: reader.text("x-dead-letter-exchange")?.map(Arc::from),
            dead_letter_key: reader.dead_letter_key()?.map(Arc::from),
            at_least_once: reader.strategy()?,
            max_length: reader.count("x-max-length")?,
            max_bytes: reader.count("x-max-length-bytes")?,
            max_priority: reader.max_priority()?,
            overflow: reader.overflow()?,
            single_active: reader.flag("x-single-active-consumer")?,
            delivery_limit: reader.count("x-delivery-limit")?.map(|limit| limit as u32),
        };
        // RabbitMQ falls back, too: a queue that drops its head can't promise at-least-once.
        let at_least_once = options.at_least_once && options.overflow == Overflow::RejectPublish;
        Ok(Self {
            at_least_once,
            ..options
        })
    }
}

struct Arguments<'a> {
    table: &'a FieldTable,
    label: &'a str,
}

impl<'a> Arguments<'a> {
    fn get(&self, key: &str) -> Option<&'a AMQPValue> {
        arguments::lookup(self.table, key)
    }

    fn invalid(&self, key: &str, why: &str) -> Exception {
        let label = self.label;
        Exception::precondition_failed(format!("invalid arg '{key}' for {label}: {why}"))
    }

    fn refuse(&self, keys: &[&str], queue_type: &str) -> Outcome {
        match keys.iter().find(|key| self.get(key).is_some()) {
            None => Ok(()),
            Some(key) => Err(Exception::precondition_failed(format!(
                "invalid arg '{key}' for {} of queue type {queue_type}",
                self.label
            ))),
        }
    }

    fn unacceptable(&self, key: &str, value: &AMQPValue) -> Exception {
        self.invalid(
            key,
            &format!("{{unacceptable_type,{}}}", arguments::type_name(value)),
        )
    }

    fn integer(&self, key: &str) -> Outcome<Option<i64>> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let expected = || {
            self.invalid(
                key,
                &format!("\"expected integer, got {}\"", arguments::type_name(value)),
            )
        };
        arguments::integer(value).map(Some).ok_or_else(expected)
    }

    fn count(&self, key: &str) -> Outcome<Option<usize>> {
        match self.integer(key)? {
            Some(number) if number < 0 => {
                Err(self.invalid(key, &format!("{{value_negative,{number}}}")))
            }
            number => Ok(number.map(|number| number as usize)),
        }
    }

    fn expiry(&self, key: &str) -> Outcome<Option<u64>> {
        match self.integer(key)? {
            Some(number) if number < 0 => {
                Err(self.invalid(key, &format!("{{value_negative,{number}}}")))
            }
            Some(number) if number > MAX_EXPIRY => {
                Err(self.invalid(key, &format!("{{value_too_large,{number}}}")))
            }
            number => Ok(number.map(|number| number as u64)),
        }
    }

    fn expires(&self) -> Outcome<Option<u64>> {
        match self.expiry("x-expires")? {
            Some(0) => Err(self.invalid("x-expires", "{value_zero,0}")),
            other => Ok(other),
        }
    }

    fn max_priority(&self) -> Outcome<Option<u8>> {
        let Some(count) = self.count("x-max-priority")? else {
            return Ok(None);
        };
        u8::try_from(count)
            .map(Some)
            .map_err(|_| self.invalid("x-max-priority", &format!("{{max_value_exceeded,{count}}}")))
    }

    fn text(&self, key: &str) -> Outcome<Option<&'a str>> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        arguments::text(value)
            .map(Some)
            .ok_or_else(|| self.unacceptable(key, value))
    }

    fn flag(&self, key: &str) -> Outcome<bool> {
        match self.get(key) {
            None => Ok(false),
            Some(AMQPValue::Boolean(flag)) => Ok(*flag),
            Some(value) => Err(self.unacceptable(key, value)),
        }
    }

    fn queue_type(&self) -> Outcome<bool> {
        match self.text("x-queue-type")? {
            None | Some("classic") => Ok(false),
            Some("quorum") => Ok(true),
            Some("stream") => Err(Exception::not_implemented(
                "queues of type stream are not part of the embedded broker",
            )),
            Some(_) => Err(self.invalid("x-queue-type", "\"unsupported queue type\"")),
        }
    }

    fn dead_letter_key(&self) -> Outcome<Option<&'a str>> {
        let key = self.text("x-dead-letter-routing-key")?;
        if key.is_some() && self.get("x-dead-letter-exchange").is_none() {
            return Err(self.invalid(
                "x-dead-letter-routing-key",
                "routing_key_but_no_dlx_defined",
            ));
        }
        Ok(key)
    }

    fn strategy(&self) -> Outcome<bool> {
        match self.text("x-dead-letter-strategy")? {
            None | Some("at-most-once") => Ok(false),
            Some("at-least-once") => Ok(true),
            Some(_) => Err(self.invalid("x-dead-letter-strategy", "invalid_dlx_strategy")),
        }
    }

    fn overflow(&self) -> Outcome<Overflow> {
        match self.text("x-overflow")? {
            None | Some("drop-head") => Ok(Overflow::DropHead),
            Some("reject-publish") => Ok(Overflow::RejectPublish),
            Some("reject-publish-dlx") => Ok(Overflow::RejectPublishDlx),
            Some(_) => Err(self.invalid("x-overflow", "invalid_overflow")),
        }
    }
}
