//! Choices that can lose a message. They are allowed, and the start report shows them.

use super::queue_wire::OVERFLOW;
use super::{DeadLetter, DeadLetterStrategy, Exchange, Overflow, Queue, QueueType, Topology};
use crate::error::Place;

/// A declaration by which a message can be lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsafeDeclaration {
    /// Where it was written.
    pub place: Place,
    /// What can be lost, one sentence.
    pub sentence: String,
}

impl Topology {
    /// Every declaration by which a message can be lost, exchanges first, else in the order of
    /// declaring.
    #[must_use]
    pub fn unsafe_choices(&self) -> Vec<UnsafeDeclaration> {
        let exchanges = self.exchanges.iter().filter_map(of_exchange);
        exchanges
            .chain(self.queues.iter().flat_map(of_queue))
            .collect()
    }
}

fn of_exchange(exchange: &Exchange) -> Option<UnsafeDeclaration> {
    (!exchange.durable).then(|| UnsafeDeclaration {
        place: exchange.place.clone(),
        sentence: format!(
            "exchange `{}` and its bindings go when the broker restarts",
            exchange.name
        ),
    })
}

fn of_queue(queue: &Queue) -> Vec<UnsafeDeclaration> {
    // A queue where dead letters end is the end by design.
    let ends_here = queue.receives_dead_letters;
    let no_route = queue.resolved_dead_letter() == DeadLetter::None && !ends_here;
    let arguments = queue.arguments();
    let overflow = arguments.get(OVERFLOW).and_then(|value| value.as_str());
    let drops = queue.kind != QueueType::Stream && overflow == Some(Overflow::DropHead.as_str());
    let expires = queue.typed.ttl.is_some() || arguments.get("x-message-ttl").is_some();
    let rules = [
        (
            queue.goes_away_by_itself(),
            "goes away by itself, with its messages",
        ),
        (
            no_route && queue.kind != QueueType::Stream,
            "has no dead-letter queue: rejected messages are deleted",
        ),
        (
            no_route && expires,
            "deletes the messages that wait too long",
        ),
        (
            no_route && drops,
            "deletes its oldest messages when it is full",
        ),
        (
            queue.strategy() == Some(DeadLetterStrategy::AtMostOnce),
            "dead-letters at most once: a dead letter can be lost on its way",
        ),
        (
            queue.typed.expires.is_some(),
            "is deleted, with its messages, when it is unused for long",
        ),
    ];
    let found = rules.into_iter().filter(|(applies, _)| *applies);
    found
        .map(|(_, what)| UnsafeDeclaration {
            place: queue.place.clone(),
            sentence: format!("{} queue `{}` {what}", queue.kind, queue.name),
        })
        .collect()
}
