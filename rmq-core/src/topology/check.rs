//! From a set of declarables to a topology, with every fault at once.

use super::declarables::Declarables;
use super::merge::merge;
use super::order::Topology;
use super::route::{first_step, reach};
use super::succession::{in_order, with_dead_letter_queues};
use super::{Binding, Exchange, ExchangeType, Queue};
use crate::error::{Fault, Faults};
use crate::message::Value;
use crate::name::SHORT_STRING_LIMIT;

impl Declarables {
    /// Checks the whole before anything is sent: names, what each type allows, duplicates and
    /// contradictions, dead-letter exchanges with nothing bound. Adds the dead-letter queues that
    /// follow from the queues, and sorts for declaring.
    ///
    /// # Errors
    /// Every fault, each with the place where its declarable was written.
    pub fn check(&self) -> Result<Topology, Faults> {
        let mut faults = Faults::new();
        let exchanges = merge(
            "exchange",
            &self.exchanges,
            Exchange::name,
            Exchange::place,
            &mut faults,
        );
        let queues = merge(
            "queue",
            &self.queues,
            Queue::name,
            Queue::place,
            &mut faults,
        );
        let bindings = distinct(&self.bindings);

        exchanges
            .iter()
            .for_each(|exchange| check_exchange(exchange, &mut faults));
        let queues = with_dead_letter_queues(queues, &exchanges, &bindings);
        for queue in &queues {
            check_queue_name(queue, &mut faults);
            queue.check(&mut faults);
            check_dead_letter_exchange(queue, &exchanges, &bindings, &mut faults);
        }
        bindings
            .iter()
            .for_each(|binding| check_binding(binding, &exchanges, &mut faults));

        let (queues, dead_letter_queues) = in_order(queues, &exchanges, &bindings);
        faults.into_result(Topology {
            exchanges,
            queues,
            bindings,
            dead_letter_queues,
        })
    }
}

/// Each binding once. Bindings have no name of their own, so they cannot contradict each other.
fn distinct(bindings: &[Binding]) -> Vec<Binding> {
    let mut kept: Vec<Binding> = Vec::new();
    for binding in bindings {
        if !kept.contains(binding) {
            kept.push(binding.clone());
        }
    }
    kept
}

fn check_exchange(exchange: &Exchange, faults: &mut Faults) {
    let mut say = |what: String, fix: &str| {
        let sentence = format!("exchange `{}` {what}", shown(&exchange.name));
        faults.push(Fault::new(exchange.place.clone(), sentence).fix(fix));
    };
    check_name(&exchange.name, &mut say);
    if let ExchangeType::Custom(kind) = &exchange.kind
        && !kind.starts_with("x-")
    {
        let what = format!("has type `{kind}`, which no broker has");
        say(
            what,
            "use direct, topic, fanout or headers, or a plugin's type, which begins with `x-`",
        );
    }
    if exchange.alternate.as_deref() == Some(exchange.name.as_str()) {
        say(
            "is its own alternate exchange".to_owned(),
            "name another exchange",
        );
    }
    let raw = exchange.raw.get(Exchange::ALTERNATE).map(Value::as_str);
    if exchange.alternate.is_some() && raw.is_some_and(|raw| raw != exchange.alternate.as_deref()) {
        say(
            "has two different alternate exchanges".to_owned(),
            "keep one of the two",
        );
    }
}

fn check_queue_name(queue: &Queue, faults: &mut Faults) {
    let mut say = |what: String, fix: &str| {
        let sentence = format!("queue `{}` {what}", shown(&queue.name));
        faults.push(Fault::new(queue.place.clone(), sentence).fix(fix));
    };
    check_name(&queue.name, &mut say);
}

fn check_name(name: &str, say: &mut impl FnMut(String, &str)) {
    if name.is_empty() {
        say("has no name".to_owned(), "give it a name");
    }
    if name.starts_with("amq.") {
        say(
            "has a name that begins with `amq.`, which the broker keeps for itself".to_owned(),
            "choose another name; a binding may name such an exchange without declaring it",
        );
    }
    if name.len() > SHORT_STRING_LIMIT {
        say(
            format!(
                "has a name of {} bytes, and AMQP carries {SHORT_STRING_LIMIT}",
                name.len()
            ),
            "choose a shorter name",
        );
    }
}

/// A name as messages show it: cut when it is too long to be one.
fn shown(name: &str) -> String {
    if name.len() <= SHORT_STRING_LIMIT {
        return name.to_owned();
    }
    let head: String = name.chars().take(32).collect();
    format!("{head}...")
}

fn check_dead_letter_exchange(
    queue: &Queue,
    exchanges: &[Exchange],
    bindings: &[Binding],
    faults: &mut Faults,
) {
    let dead_letter = queue.resolved_dead_letter();
    let Some((exchange, key)) = first_step(&dead_letter) else {
        return;
    };
    let place = queue.place.clone();
    if exchange.is_empty() {
        if key.is_none() {
            let sentence = format!(
                "the dead letters of queue `{}` go to the default exchange with their own key, which leads to no dead-letter queue",
                queue.name
            );
            faults.push(Fault::new(place, sentence).fix("name the dead-letter queue"));
        }
        return;
    }
    let declared = exchanges.iter().any(|known| known.name == exchange);
    if declared && reach(exchanges, bindings, exchange, key).is_empty() {
        let with_key = key
            .map(|key| format!(" for key `{key}`"))
            .unwrap_or_default();
        let sentence = format!(
            "no queue is bound to `{exchange}`{with_key}, the dead-letter exchange of queue `{}`: its dead letters would be deleted",
            queue.name
        );
        faults.push(
            Fault::new(place, sentence).fix("bind a queue to it, or name a queue as `dead-letter`"),
        );
    }
}

fn check_binding(binding: &Binding, exchanges: &[Exchange], faults: &mut Faults) {
    let mut say = |what: &str, fix: &str| {
        let sentence = format!("the {binding} {what}");
        faults.push(Fault::new(binding.place.clone(), sentence).fix(fix));
    };
    if binding.source.is_empty() {
        say(
            "names no exchange, and nothing can be bound to the default exchange",
            "name the exchange; every queue is reached through the default exchange by its name",
        );
    }
    if binding.destination.name().is_empty() {
        say(
            "leads to something without a name",
            "name the queue or the exchange",
        );
    }
    if [
        binding.source.as_str(),
        binding.destination.name(),
        binding.routing_key(),
    ]
    .iter()
    .any(|text| text.len() > SHORT_STRING_LIMIT)
    {
        say(
            "has a name or key of more than 255 bytes, which AMQP does not carry",
            "choose a shorter one",
        );
    }
    let kind = exchanges
        .iter()
        .find(|exchange| exchange.name == binding.source)
        .map(Exchange::kind);
    if binding.routing_key.is_none()
        && matches!(kind, Some(ExchangeType::Direct | ExchangeType::Topic))
    {
        say(
            "has no routing key, and that exchange routes by key",
            "give a routing key; `\"\"` is the empty one",
        );
    }
}
