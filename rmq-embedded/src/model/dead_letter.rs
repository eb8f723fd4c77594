//! Where messages go that leave a queue without having been consumed.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::death_header::{self, Death};
use super::ids::QueueId;
use super::message::{Entry, Gauge, Message, MessageFacts};
use super::power::NOBODY;
use super::routing::extra_keys;
use super::state::State;
use super::timers::Due;
use crate::record::Event;
use crate::wire::content::{Edit, rewrite};

/// How long a dead letter that found no queue waits for the next try, in milliseconds.
const RETRY: u64 = 250;

impl State {
    /// A message leaves a queue without having been consumed. Where it goes is settled by
    /// [`Self::end_operation`], not here: a chain of full queues must not become a chain of calls.
    pub(crate) fn discard(&mut self, queue: QueueId, entry: Entry, reason: &'static str) {
        self.discarded.push_back((queue, entry, reason));
    }

    /// Ends whatever was being done: everything discarded on the way is dead-lettered.
    pub(crate) fn end_operation(&mut self) {
        while let Some((queue, entry, reason)) = self.discarded.pop_front() {
            self.dead_letter(queue, entry, reason);
        }
        if self.alarm.memory {
            self.watch_memory();
        }
    }

    fn dead_letter(&mut self, id: QueueId, entry: Entry, reason: &'static str) {
        let Some(queue) = self.queues.get(&id) else {
            return;
        };
        let name = queue.name.clone();
        self.note(NOBODY, || Event::DeadLettered {
            queue: name,
            reason,
            message_id: entry.message.id(),
        });
        let Some(exchange) = queue.options.dead_letter_exchange.clone() else {
            return;
        };
        let at_least_once = queue.options.at_least_once;
        if self.route_dead_letter(id, &exchange, &entry, reason) || !at_least_once {
            return;
        }
        let now = self.now();
        if let Some(queue) = self.queues.get_mut(&id) {
            if queue.dead.is_empty() {
                self.timers.set(now + RETRY, Due::DeadLetters(id));
            }
            queue.dead.push_back((entry, reason));
        }
    }

    /// At-least-once: tries again what found no queue, or a full one.
    pub(crate) fn retry_dead_letters(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        for (entry, reason) in std::mem::take(&mut queue.dead) {
            self.dead_letter(id, entry, reason);
        }
    }

    /// True where at least one queue took it and none refused.
    fn route_dead_letter(
        &mut self,
        id: QueueId,
        exchange: &Arc<str>,
        entry: &Entry,
        reason: &'static str,
    ) -> bool {
        let Some(queue) = self.queues.get(&id) else {
            return true;
        };
        let vhost = queue.vhost;
        let source = queue.name.clone();
        let missing = !exchange.is_empty()
            && self
                .vhosts
                .get(vhost)
                .is_none_or(|vhost| !vhost.exchanges.contains_key(exchange));
        if missing {
            return false;
        }
        let key = queue.options.dead_letter_key.clone();
        let Some(message) = dead_message(
            entry,
            exchange,
            key.as_deref(),
            &source,
            reason,
            self.memory.clone(),
        ) else {
            return false;
        };
        let message = Arc::new(message);
        let headers = message.properties().headers;
        let targets = self.route_message(vhost, &message, &extra_keys(headers));
        let mut taken = false;
        let mut refused = false;
        for target in targets {
            let Some(queue) = self.queues.get(&target) else {
                continue;
            };
            if reason != "rejected" && death_header::is_cycle(headers, queue.name.as_bytes()) {
                tracing::warn!(queue = %queue.name, "message dropped: a cycle of dead-letter queues");
                taken = true;
                continue;
            }
            if self.enqueue(target, &message) {
                taken = true;
            } else {
                refused = true;
            }
            self.deliver(target);
        }
        taken && !refused
    }
}

fn dead_message(
    entry: &Entry,
    exchange: &Arc<str>,
    key: Option<&str>,
    source: &str,
    reason: &'static str,
    gauge: Gauge,
) -> Option<Message> {
    let old = &entry.message;
    let properties = old.properties();
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    let death = Death {
        queue: source,
        reason,
        exchange: &old.exchange,
        routing_key: &old.routing_key,
        expiration: properties.expiration,
        seconds,
    };
    let headers = death.headers(properties.headers.unwrap_or_default(), key.is_some());
    let edit = Edit {
        headers: Some(&headers),
        drop_expiration: true,
        ..Edit::default()
    };
    let mut content =
        Vec::with_capacity(old.property_bytes().len() + headers.len() + old.body().len());
    rewrite(old.property_bytes(), &edit, &mut content).ok()?;
    let properties_length = content.len() as u32;
    content.extend_from_slice(old.body());
    let facts = MessageFacts {
        persistent: old.persistent,
        priority: old.priority,
        ttl_ms: None,
    };
    let key = key.unwrap_or(&old.routing_key);
    Some(Message::new(
        exchange.clone(),
        Box::from(key),
        content,
        properties_length,
        facts,
        gauge,
    ))
}
