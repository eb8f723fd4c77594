//! Where the dead letters of a queue end.

use std::collections::BTreeSet;

use super::{Binding, DeadLetter, DeadLetterStrategy, Destination, Exchange, ExchangeType};

/// What is known about the dead-letter route of a queue. A listener starts on [`Known`](Self::Known);
/// on the others only when the queue or the listener says so by name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeadLetterRoute {
    /// Declared here, down to a queue.
    Known(KnownRoute),
    /// The queue says that a policy on the broker gives it one.
    Policy,
    /// The queue says that it is arranged elsewhere.
    External,
    /// The queue is declared here and has none: rejected messages are deleted.
    None {
        /// Whether that was said (`none`), and does not follow from the queue's nature.
        said: bool,
    },
    /// The queue is not declared here, or its dead-letter exchange is neither declared nor bound here.
    Unknown,
}

/// A route that was followed from the queue to where its dead letters are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRoute {
    /// The dead-letter exchange; empty for the default exchange.
    pub exchange: String,
    /// The key dead letters are published with; `None` where they keep their own.
    pub routing_key: Option<String>,
    /// The queues that get them, by name, sorted.
    pub queues: Vec<String>,
    /// How they are handed over.
    pub strategy: DeadLetterStrategy,
}

/// The queues that messages published to `exchange` with `key` (any, if `None`) can reach through
/// these bindings, over exchanges in between. Loops are followed once.
pub(super) fn reach(
    exchanges: &[Exchange],
    bindings: &[Binding],
    exchange: &str,
    key: Option<&str>,
) -> BTreeSet<String> {
    let mut queues = BTreeSet::new();
    let mut seen = BTreeSet::from([exchange.to_owned()]);
    let mut open = vec![exchange.to_owned()];
    while let Some(source) = open.pop() {
        let kind = exchanges
            .iter()
            .find(|exchange| exchange.name == source)
            .map(|e| &e.kind);
        for binding in bindings.iter().filter(|binding| binding.source == source) {
            if !may_match(kind, binding, key) {
                continue;
            }
            match &binding.destination {
                Destination::Queue(queue) => {
                    queues.insert(queue.clone());
                }
                Destination::Exchange(next) => {
                    if seen.insert(next.clone()) {
                        open.push(next.clone());
                    }
                }
            }
        }
        let alternate = exchanges
            .iter()
            .find(|e| e.name == source)
            .and_then(|e| e.alternate.as_ref());
        open.extend(
            alternate
                .filter(|next| seen.insert((*next).clone()))
                .cloned(),
        );
    }
    queues
}

/// Whether a message with this key can pass this binding; `true` where that cannot be known.
fn may_match(kind: Option<&ExchangeType>, binding: &Binding, key: Option<&str>) -> bool {
    let Some(key) = key else { return true };
    match kind {
        Some(ExchangeType::Direct) => binding.routing_key() == key,
        Some(ExchangeType::Topic) => topic_matches(binding.routing_key(), key),
        _ => true,
    }
}

/// A topic pattern: words between dots, `*` for one word, `#` for any number of words.
fn topic_matches(pattern: &str, key: &str) -> bool {
    let words: Vec<&str> = if key.is_empty() {
        Vec::new()
    } else {
        key.split('.').collect()
    };
    // `reached[n]`: the pattern so far can match the first n words.
    let mut reached = vec![false; words.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for part in pattern
        .split('.')
        .filter(|part| !part.is_empty() || !pattern.is_empty())
    {
        let mut next = vec![false; words.len() + 1];
        for at in 0..=words.len() {
            let from_here = reached.get(at).copied().unwrap_or(false);
            let before = at.checked_sub(1);
            let word = before.and_then(|n| words.get(n)).copied();
            let from_before = before
                .and_then(|n| reached.get(n))
                .copied()
                .unwrap_or(false);
            let carried = before.and_then(|n| next.get(n)).copied().unwrap_or(false);
            let hit = match part {
                "#" => from_here || carried,
                "*" => from_before,
                literal => from_before && word == Some(literal),
            };
            if let Some(slot) = next.get_mut(at) {
                *slot = hit;
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

/// The exchange and key a queue's dead letters are published with, if arguments of the queue say so.
pub(super) fn first_step(dead_letter: &DeadLetter) -> Option<(&str, Option<&str>)> {
    match dead_letter {
        DeadLetter::Queue(queue) => Some(("", Some(queue))),
        DeadLetter::Exchange {
            exchange,
            routing_key,
        } => Some((exchange, routing_key.as_deref())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::topic_matches;

    #[test]
    fn topic_patterns_match_as_the_broker_matches_them() {
        for (pattern, key, expected) in [
            ("order.created", "order.created", true),
            ("order.*", "order.created", true),
            ("order.*", "order", false),
            ("order.*", "order.created.eu", false),
            ("order.#", "order", true),
            ("order.#", "order.created.eu", true),
            ("#", "", true),
            ("#", "a.b", true),
            ("#.eu", "order.created.eu", true),
            ("*.#.eu", "eu", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", false),
            ("a..b", "a..b", true),
        ] {
            assert_eq!(
                topic_matches(pattern, key),
                expected,
                "{pattern} against {key}"
            );
        }
    }
}
