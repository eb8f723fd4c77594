//! Which queues receive dead letters, and in which order queues are declared.

use std::collections::{BTreeMap, BTreeSet};

use super::route::{first_step, reach};
use super::{Binding, DeadLetter, Exchange, Queue};

/// The queues that receive the dead letters of `queue`.
fn targets(queue: &Queue, exchanges: &[Exchange], bindings: &[Binding]) -> BTreeSet<String> {
    let dead_letter = queue.resolved_dead_letter();
    match first_step(&dead_letter) {
        Some(("", Some(name))) => BTreeSet::from([name.to_owned()]),
        Some(("", None)) | None => BTreeSet::new(),
        Some((exchange, key)) => reach(exchanges, bindings, exchange, key),
    }
}

/// Adds the dead-letter queues that nobody declared. A queue that receives dead letters has by
/// default none of its own, whoever declared it.
pub(super) fn with_dead_letter_queues(
    mut queues: Vec<Queue>,
    exchanges: &[Exchange],
    bindings: &[Binding],
) -> Vec<Queue> {
    // Said routes first: they decide which queues are themselves ends.
    let said: BTreeSet<String> = queues
        .iter()
        .filter(|queue| queue.dead_letter != DeadLetter::Default || queue.has_raw_dead_letter())
        .flat_map(|queue| targets(queue, exchanges, bindings))
        .collect();
    let defaults: BTreeSet<String> = queues
        .iter()
        .filter(|queue| !said.contains(&queue.name))
        .flat_map(|queue| targets(queue, exchanges, bindings))
        .collect();
    for queue in &mut queues {
        queue.receives_dead_letters = said.contains(&queue.name) || defaults.contains(&queue.name);
    }
    let mut derived: Vec<Queue> = Vec::new();
    for queue in &queues {
        let DeadLetter::Queue(name) = queue.resolved_dead_letter() else {
            continue;
        };
        let known = queues
            .iter()
            .chain(&derived)
            .any(|queue| queue.name == name);
        if !known && !name.is_empty() {
            derived.push(Queue::derived_for(name, queue));
        }
    }
    queues.extend(derived);
    queues
}

/// Dead-letter queues before the queues they serve, otherwise as said; with the number of queues
/// that receive dead letters, which stand first.
pub(super) fn in_order(
    queues: Vec<Queue>,
    exchanges: &[Exchange],
    bindings: &[Binding],
) -> (Vec<Queue>, usize) {
    let next: BTreeMap<&str, BTreeSet<String>> = queues
        .iter()
        .map(|queue| (queue.name.as_str(), targets(queue, exchanges, bindings)))
        .collect();
    let mut order: Vec<&str> = Vec::with_capacity(queues.len());
    for queue in &queues {
        visit(&queue.name, &next, &mut BTreeSet::new(), &mut order);
    }
    let receivers: BTreeSet<&String> = next.values().flatten().collect();
    let (first, rest): (Vec<&str>, Vec<&str>) = order
        .into_iter()
        .partition(|name| receivers.contains(&(*name).to_owned()));
    let count = first.len();
    let sorted = first.into_iter().chain(rest);
    let sorted = sorted.filter_map(|name| queues.iter().find(|queue| queue.name == name).cloned());
    (sorted.collect(), count)
}

/// Targets before the queue itself. A loop of dead letters, as retry queues make one, ends where it began.
fn visit<'q>(
    name: &str,
    next: &BTreeMap<&'q str, BTreeSet<String>>,
    open: &mut BTreeSet<String>,
    order: &mut Vec<&'q str>,
) {
    let Some((known, targets)) = next.get_key_value(name) else {
        return;
    };
    if order.contains(known) || !open.insert(name.to_owned()) {
        return;
    }
    for target in targets {
        visit(target, next, open, order);
    }
    order.push(known);
}
