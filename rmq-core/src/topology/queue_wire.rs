//! From a queue to the argument table that is sent.

use std::time::Duration;

use super::dead_letter::{DeadLetter, DeadLetterStrategy};
use super::{Arguments, Overflow, Queue, QueueType};
use crate::message::Value;

pub(super) const DEAD_LETTER_EXCHANGE: &str = "x-dead-letter-exchange";
pub(super) const DEAD_LETTER_KEY: &str = "x-dead-letter-routing-key";
pub(super) const DEAD_LETTER_STRATEGY: &str = "x-dead-letter-strategy";
pub(super) const OVERFLOW: &str = "x-overflow";

/// The delivery limit of a queue that says nothing: it is sent, so that it is the same on every
/// release of the broker.
pub(super) const DELIVERY_LIMIT: u32 = 20;

/// In effect no limit. RabbitMQ 4 has a limit of its own where none is sent, and deletes what
/// passes it when there is no dead-letter route; releases before 4 take no negative number.
pub(super) const NO_DELIVERY_LIMIT: u32 = i32::MAX as u32;

impl Queue {
    /// Where its dead letters go, with the default resolved and raw arguments taken into account.
    /// `None` stands for both "said `none`" and "has none by its nature".
    pub(super) fn resolved_dead_letter(&self) -> DeadLetter {
        if self.dead_letter != DeadLetter::Default {
            return self.dead_letter.clone();
        }
        if let Some(exchange) = self.raw_text(DEAD_LETTER_EXCHANGE) {
            return match (exchange, self.raw_text(DEAD_LETTER_KEY)) {
                ("", Some(queue)) => DeadLetter::Queue(queue.to_owned()),
                (exchange, key) => DeadLetter::Exchange {
                    exchange: exchange.to_owned(),
                    routing_key: key.map(str::to_owned),
                },
            };
        }
        let ends_here = self.receives_dead_letters || self.goes_away_by_itself();
        if ends_here || self.kind == QueueType::Stream {
            return DeadLetter::None;
        }
        DeadLetter::Queue(DeadLetter::default_queue(&self.name))
    }

    /// Whether the broker removes it without anybody asking, so that a lasting dead-letter queue
    /// for it would be left behind.
    pub(super) fn goes_away_by_itself(&self) -> bool {
        self.exclusive || self.auto_delete || !self.durable
    }

    /// How its dead letters are handed over, if they are handed over by arguments of the queue.
    pub(super) fn strategy(&self) -> Option<DeadLetterStrategy> {
        let by_arguments = matches!(
            self.resolved_dead_letter(),
            DeadLetter::Queue(_) | DeadLetter::Exchange { .. }
        );
        let at_least_once = self.kind == QueueType::Quorum;
        by_arguments.then(|| {
            let raw = self
                .raw_text(DEAD_LETTER_STRATEGY)
                .and_then(|text| match text {
                    "at-least-once" => Some(DeadLetterStrategy::AtLeastOnce),
                    "at-most-once" => Some(DeadLetterStrategy::AtMostOnce),
                    _ => None,
                });
            self.typed.strategy.or(raw).unwrap_or(if at_least_once {
                DeadLetterStrategy::AtLeastOnce
            } else {
                DeadLetterStrategy::AtMostOnce
            })
        })
    }

    /// All arguments as they are sent. Where a raw argument contradicts a typed one the typed one
    /// is given; [`check`](super::Declarables::check) has reported it.
    pub fn arguments(&self) -> Arguments {
        let mut all = self.raw.clone();
        for (name, value) in self.default_arguments() {
            if all.get(name).is_none() {
                all.insert(name, value);
            }
        }
        for (name, value) in self.said_arguments() {
            all.insert(name, value);
        }
        all
    }

    /// What follows from the defaults of this project.
    fn default_arguments(&self) -> Vec<(&'static str, Value)> {
        let mut list = Vec::new();
        if self.kind == QueueType::Quorum {
            let limit = match self.resolved_dead_letter() {
                DeadLetter::None => NO_DELIVERY_LIMIT,
                _ => DELIVERY_LIMIT,
            };
            list.push(("x-delivery-limit", number(limit.into())));
        }
        let bounded = self.typed.max_length.is_some()
            || self.typed.max_length_bytes.is_some()
            || self.raw.get("x-max-length").is_some()
            || self.raw.get("x-max-length-bytes").is_some();
        let at_least_once = self.strategy() == Some(DeadLetterStrategy::AtLeastOnce);
        if at_least_once {
            list.push((
                DEAD_LETTER_STRATEGY,
                text(DeadLetterStrategy::AtLeastOnce.as_str()),
            ));
        }
        if at_least_once || (bounded && self.kind != QueueType::Stream) {
            list.push((OVERFLOW, text(Overflow::RejectPublish.as_str())));
        }
        list
    }

    /// What was said by name: the type, the typed arguments and the dead-letter route.
    pub(super) fn said_arguments(&self) -> Vec<(&'static str, Value)> {
        let mut list = vec![("x-queue-type", text(self.kind.as_str()))];
        match self.resolved_dead_letter() {
            DeadLetter::Queue(queue) => {
                list.push((DEAD_LETTER_EXCHANGE, text("")));
                list.push((DEAD_LETTER_KEY, Value::from(queue)));
            }
            DeadLetter::Exchange {
                exchange,
                routing_key,
            } => {
                list.push((DEAD_LETTER_EXCHANGE, Value::from(exchange)));
                list.extend(routing_key.map(|key| (DEAD_LETTER_KEY, Value::from(key))));
            }
            _ => {}
        }
        self.typed_arguments(&mut list);
        list
    }

    fn typed_arguments(&self, list: &mut Vec<(&'static str, Value)>) {
        let typed = &self.typed;
        let group_size = match self.kind {
            QueueType::Stream => "x-initial-cluster-size",
            _ => "x-quorum-initial-group-size",
        };
        let entries = [
            ("x-message-ttl", typed.ttl.map(millis)),
            ("x-expires", typed.expires.map(millis)),
            ("x-max-length", typed.max_length.map(number)),
            ("x-max-length-bytes", typed.max_length_bytes.map(number)),
            (
                OVERFLOW,
                typed.overflow.map(|overflow| text(overflow.as_str())),
            ),
            (
                DEAD_LETTER_STRATEGY,
                typed.strategy.map(|strategy| text(strategy.as_str())),
            ),
            (
                "x-delivery-limit",
                typed.delivery_limit.map(|limit| number(limit.into())),
            ),
            (
                "x-single-active-consumer",
                typed.single_active.then(|| Value::from(true)),
            ),
            (
                "x-max-priority",
                typed.max_priority.map(|priority| number(priority.into())),
            ),
            (
                group_size,
                typed.initial_group_size.map(|nodes| number(nodes.into())),
            ),
            ("x-consumer-timeout", typed.consumer_timeout.map(millis)),
            (
                "x-queue-leader-locator",
                typed.leader_locator.map(|place| text(place.as_str())),
            ),
            (
                "x-max-age",
                typed
                    .max_age
                    .map(|age| Value::from(format!("{}s", age.as_secs()))),
            ),
        ];
        list.extend(
            entries
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    }

    /// Whether a raw argument names a dead-letter exchange.
    pub(super) fn has_raw_dead_letter(&self) -> bool {
        self.raw.get(DEAD_LETTER_EXCHANGE).is_some()
    }

    /// The text of a raw argument.
    pub(super) fn raw_text(&self, name: &str) -> Option<&str> {
        self.raw.get(name).and_then(Value::as_str)
    }
}

/// A whole number; the broker compares numbers of all widths by value.
fn number(value: u64) -> Value {
    Value::from(i64::try_from(value).unwrap_or(i64::MAX))
}

fn millis(duration: Duration) -> Value {
    number(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn text(value: &'static str) -> Value {
    Value::from(value)
}
