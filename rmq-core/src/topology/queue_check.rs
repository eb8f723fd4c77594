//! What one queue may not say, by its type.

use super::queue_wire::{DEAD_LETTER_EXCHANGE, OVERFLOW};
use super::{DeadLetter, DeadLetterStrategy, Overflow, Queue, QueueType};
use crate::error::{Fault, Faults};

impl Queue {
    /// Everything that is wrong with this queue by itself.
    pub(super) fn check(&self, faults: &mut Faults) {
        let mut say = |what: String, fix: &str| {
            let sentence = format!("{} queue `{}` {what}", self.kind, self.name);
            faults.push(Fault::new(self.place.clone(), sentence).fix(fix));
        };
        self.check_life(&mut say);
        self.check_kind(&mut say);
        self.check_dead_letter(&mut say);
        self.check_numbers(&mut say);
        self.check_raw(&mut say);
    }

    /// Durable, exclusive, auto-delete.
    fn check_life(&self, say: &mut impl FnMut(String, &str)) {
        if self.kind == QueueType::Classic {
            return;
        }
        let wrong = [
            (!self.durable, "cannot be transient"),
            (self.exclusive, "cannot be exclusive"),
            (self.auto_delete, "cannot be auto-delete"),
        ];
        for (_, what) in wrong.into_iter().filter(|(is_wrong, _)| *is_wrong) {
            say(
                what.to_owned(),
                "make it `type: classic` (`Queue::classic`), or leave that out",
            );
        }
    }

    /// Arguments that exist for another type only.
    fn check_kind(&self, say: &mut impl FnMut(String, &str)) {
        let (quorum, classic, stream) = match self.kind {
            QueueType::Quorum => (true, false, false),
            QueueType::Classic => (false, true, false),
            QueueType::Stream => (false, false, true),
        };
        let typed = &self.typed;
        let table = [
            (
                typed.delivery_limit.is_some() && !quorum,
                "delivery-limit",
                "quorum",
            ),
            (
                typed.max_priority.is_some() && !classic,
                "max-priority",
                "classic",
            ),
            (
                typed.initial_group_size.is_some() && classic,
                "initial-group-size",
                "quorum or stream",
            ),
            (typed.max_age.is_some() && !stream, "max-age", "stream"),
            (typed.ttl.is_some() && stream, "ttl", "quorum or classic"),
            (
                typed.expires.is_some() && stream,
                "expires",
                "quorum or classic",
            ),
            (
                typed.max_length.is_some() && stream,
                "max-length",
                "quorum or classic",
            ),
            (
                typed.overflow.is_some() && stream,
                "overflow",
                "quorum or classic",
            ),
            (
                typed.single_active && stream,
                "single-active-consumer",
                "quorum or classic",
            ),
            (
                typed.consumer_timeout.is_some() && stream,
                "consumer-timeout",
                "quorum or classic",
            ),
        ];
        for (_, name, kinds) in table.into_iter().filter(|(is_wrong, _, _)| *is_wrong) {
            say(
                format!("has no `{name}`: that is for a queue of type {kinds}"),
                "leave it out",
            );
        }
    }

    fn check_dead_letter(&self, say: &mut impl FnMut(String, &str)) {
        let route = self.resolved_dead_letter();
        if self.kind == QueueType::Stream && !matches!(route, DeadLetter::None) {
            say(
                "has no dead-letter exchange: streams keep their messages".to_owned(),
                "leave `dead-letter` out",
            );
            return;
        }
        if matches!(&route, DeadLetter::Queue(queue) if *queue == self.name) {
            say(
                "is its own dead-letter queue".to_owned(),
                "name another queue, or `none`",
            );
        }
        if matches!(&route, DeadLetter::Queue(queue) if queue.is_empty()) {
            say(
                "has a dead-letter queue without a name".to_owned(),
                "name the queue, or say `none`",
            );
        }
        let raw = self.raw.get(DEAD_LETTER_EXCHANGE).is_some();
        if raw
            && matches!(
                route,
                DeadLetter::None | DeadLetter::Policy | DeadLetter::External
            )
        {
            let what = format!(
                "says by `dead-letter` that it names no exchange, and names one as `{DEAD_LETTER_EXCHANGE}`"
            );
            say(what, "keep one of the two");
        }
        self.check_strategy(&route, say);
    }

    fn check_strategy(&self, route: &DeadLetter, say: &mut impl FnMut(String, &str)) {
        let by_arguments = matches!(route, DeadLetter::Queue(_) | DeadLetter::Exchange { .. });
        if self.typed.strategy.is_some() && !by_arguments {
            say(
                "has a dead-letter strategy and no dead-letter route of its own".to_owned(),
                "leave the strategy out",
            );
            return;
        }
        let overflow = self
            .arguments()
            .get(OVERFLOW)
            .and_then(|value| value.as_str().map(str::to_owned));
        if overflow.as_deref() == Some(Overflow::RejectPublishDlx.as_str())
            && self.kind == QueueType::Quorum
        {
            say(
                "cannot have overflow `reject-publish-dlx`".to_owned(),
                "say `reject-publish`",
            );
            return;
        }
        if self.strategy() != Some(DeadLetterStrategy::AtLeastOnce) {
            return;
        }
        if self.kind != QueueType::Quorum {
            say(
                "cannot dead-letter at least once".to_owned(),
                "make it a quorum queue, or say `at-most-once`",
            );
        } else if overflow.as_deref() != Some(Overflow::RejectPublish.as_str()) {
            let what = "dead-letters at least once, and RabbitMQ does that with overflow `reject-publish` only";
            say(
                what.to_owned(),
                "leave overflow out, or say `dead-letter-strategy: at-most-once`, which can lose dead letters",
            );
        }
    }

    fn check_numbers(&self, say: &mut impl FnMut(String, &str)) {
        let typed = &self.typed;
        let zero = [
            (
                typed
                    .expires
                    .is_some_and(|expires| expires.as_millis() == 0),
                "expires",
            ),
            (typed.max_priority == Some(0), "max-priority"),
            (typed.initial_group_size == Some(0), "initial-group-size"),
            (
                typed
                    .consumer_timeout
                    .is_some_and(|timeout| timeout.as_millis() == 0),
                "consumer-timeout",
            ),
        ];
        for (_, name) in zero.into_iter().filter(|(is_zero, _)| *is_zero) {
            say(
                format!("has `{name}` zero: it must be at least 1"),
                "give a larger number, or leave it out",
            );
        }
    }

    /// Raw arguments that contradict what is said by name.
    fn check_raw(&self, say: &mut impl FnMut(String, &str)) {
        for (name, value) in self.said_arguments() {
            let differs = self.raw.get(name).is_some_and(|raw| !same(raw, &value));
            if differs {
                say(
                    format!("has argument `{name}`, and something else is said of it by name"),
                    "keep one of the two",
                );
            }
        }
    }
}

/// Equal as the broker compares them: whole numbers by value, whatever their width.
fn same(one: &crate::message::Value, other: &crate::message::Value) -> bool {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}
