//! `topology`: exchanges, queues and bindings from the file.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::collect::Collector;
use super::super::origin::Setting;
use super::super::path::Path;
use super::super::reader::Reader;
use super::super::tree::{Entry, Node, Shape};
use super::super::values::AllValues;
use super::topology_arguments::arguments;
use crate::error::{Fault, Faults, Place};
use crate::topology::{
    Binding, DeadLetter, DeadLetterStrategy, Declarables, Exchange, ExchangeType, LeaderLocator,
    Overflow, Queue, QueueType,
};

/// Reads what is to be declared. Contradictions among it are found by
/// [`Declarables::check`], together with what code declares.
pub(super) fn read(reader: &mut Reader<'_>) -> Declarables {
    let mut declarables = Declarables::new();
    each(reader, "exchanges", |item, place| {
        if let Some(exchange) = exchange(item, place) {
            declarables.add(exchange);
        }
    });
    each(reader, "queues", |item, place| {
        if let Some(queue) = queue(item, place) {
            declarables.add(queue);
        }
    });
    each(reader, "bindings", |item, place| {
        if let Some(binding) = binding(item, place) {
            declarables.add(binding);
        }
    });
    declarables
}

/// Reads each section of a list. Two of one name are a fault here: in one file that is a mistake.
fn each(reader: &mut Reader<'_>, list: &str, mut take: impl FnMut(&mut Reader<'_>, Place)) {
    let Some(found) = reader.found(list) else {
        return;
    };
    let (Shape::List(items), Some(file)) = (&found.node.shape, &found.file) else {
        return;
    };
    let pattern = format!("{}{list}[]", reader.pattern);
    let mut seen: BTreeMap<String, Place> = BTreeMap::new();
    for item in items {
        let place = Place::file(file.as_str(), item.spot.line, item.spot.column);
        let Some(entries) = entries(item, list) else {
            let sentence = format!(
                "an item of `{}` must be a section, and here is {}",
                reader.shown(list),
                item.kind()
            );
            reader
                .faults
                .push(Fault::new(place, sentence).fix("write { name: ... }"));
            continue;
        };
        let values = collect(&entries, &pattern, file, reader.faults);
        let prefix = format!("{pattern}.");
        let mut item = Reader {
            values: &values.main,
            pattern: prefix.clone(),
            shown: prefix.clone(),
            path: prefix,
            faults: reader.faults,
            asked: reader.asked,
        };
        if list != "bindings"
            && let Some(name) = item.text("name")
            && let Some(first) = seen.insert(name.value.clone(), place.clone())
        {
            item.fault(
                "name",
                &format!("`{}` is given twice, first at {first}", name.value),
                "keep one of the two",
            );
            continue;
        }
        take(&mut item, place);
    }
}

/// The keys of an item; a queue may be its name alone.
fn entries(item: &Node, list: &str) -> Option<Vec<Entry>> {
    match &item.shape {
        Shape::Map(entries) => Some(entries.clone()),
        Shape::Scalar { .. } if list == "queues" && !item.is_empty() => Some(vec![Entry {
            key: "name".to_owned(),
            quoted: false,
            spot: item.spot,
            value: item.clone(),
        }]),
        _ => None,
    }
}

fn collect(entries: &[Entry], pattern: &str, file: &str, faults: &mut Faults) -> AllValues {
    let mut values = AllValues::default();
    let mut collector = Collector {
        file,
        layer: 0,
        values: &mut values,
        faults,
    };
    collector.section(entries, &Path::top(pattern), false);
    values
}

/// A required name. Without it there is nothing to declare.
fn required(reader: &mut Reader<'_>, name: &str, place: &Place) -> Option<String> {
    if reader.said(name).is_none() {
        let sentence = format!("`{}` is missing", reader.shown(name));
        reader
            .faults
            .push(Fault::new(place.clone(), sentence).fix(format!("add `{name}`")));
        return None;
    }
    reader.word(name).map(|text| text.value)
}

fn exchange(reader: &mut Reader<'_>, place: Place) -> Option<Exchange> {
    let kind = reader
        .word("type")
        .map(|text| ExchangeType::from_name(text.trim()));
    let durable = reader.flag("durable");
    let auto_delete = reader.flag("auto-delete");
    let internal = reader.flag("internal");
    let alternate = reader.word("alternate-exchange");
    let arguments = arguments(reader);
    let name = required(reader, "name", &place)?;
    let mut exchange = Exchange::new(name, kind.unwrap_or(ExchangeType::Direct))
        .durable(durable.is_none_or(|flag| flag.value))
        .auto_delete(said(auto_delete))
        .internal(said(internal))
        .declared_at(place);
    if let Some(alternate) = alternate {
        exchange = exchange.alternate(alternate.value);
    }
    Some(
        arguments
            .into_iter()
            .fold(exchange, |exchange, (name, value)| {
                exchange.argument(name, value)
            }),
    )
}

fn said(flag: Option<Setting<bool>>) -> bool {
    flag.is_some_and(|flag| flag.value)
}

fn queue(reader: &mut Reader<'_>, place: Place) -> Option<Queue> {
    let kinds = [
        ("quorum", QueueType::Quorum),
        ("classic", QueueType::Classic),
        ("stream", QueueType::Stream),
    ];
    let kind = reader
        .choice("type", &kinds)
        .map_or(QueueType::Quorum, |kind| kind.value);
    let mut queue = Queue::new("", kind)
        .durable(reader.flag("durable").is_none_or(|flag| flag.value))
        .exclusive(said(reader.flag("exclusive")))
        .auto_delete(said(reader.flag("auto-delete")))
        .single_active(said(reader.flag("single-active-consumer")));
    if let Some(dead_letter) = dead_letter(reader) {
        queue = queue.dead_letter(dead_letter);
    }
    let queue = limits(reader, queue);
    let arguments = arguments(reader);
    let name = required(reader, "name", &place)?;
    let queue = queue.renamed(name).declared_at(place);
    Some(
        arguments
            .into_iter()
            .fold(queue, |queue, (name, value)| queue.argument(name, value)),
    )
}

fn dead_letter(reader: &mut Reader<'_>) -> Option<DeadLetter> {
    let exchange = reader.word("dead-letter-exchange").map(|text| text.value);
    let key = reader
        .text("dead-letter-routing-key")
        .map(|text| text.value);
    let named = reader.said("dead-letter").is_some();
    if named && exchange.is_some() {
        reader.fault(
            "dead-letter-exchange",
            "is given together with `dead-letter`",
            "keep one of the two",
        );
    }
    if key.is_some() && exchange.is_none() {
        reader.fault(
            "dead-letter-routing-key",
            "is given without `dead-letter-exchange`",
            "name the exchange, or leave it out",
        );
    }
    match exchange {
        Some(exchange) => Some(DeadLetter::Exchange {
            exchange,
            routing_key: key,
        }),
        None => reader
            .word("dead-letter")
            .map(|text| DeadLetter::from_name(&text)),
    }
}

fn limits(reader: &mut Reader<'_>, mut queue: Queue) -> Queue {
    let overflows = [
        ("reject-publish", Overflow::RejectPublish),
        ("drop-head", Overflow::DropHead),
        ("reject-publish-dlx", Overflow::RejectPublishDlx),
    ];
    let strategies = [
        ("at-least-once", DeadLetterStrategy::AtLeastOnce),
        ("at-most-once", DeadLetterStrategy::AtMostOnce),
    ];
    let locators = [
        ("client-local", LeaderLocator::ClientLocal),
        ("balanced", LeaderLocator::Balanced),
    ];
    queue = with(queue, reader.duration("ttl"), Queue::ttl);
    queue = with(queue, reader.duration("expires"), Queue::expires);
    queue = with(queue, reader.whole("max-length"), Queue::max_length);
    queue = with(
        queue,
        reader.size("max-length-bytes"),
        Queue::max_length_bytes,
    );
    queue = with(
        queue,
        reader.choice("overflow", &overflows),
        Queue::overflow,
    );
    queue = with(
        queue,
        reader.choice("dead-letter-strategy", &strategies),
        Queue::dead_letter_strategy,
    );
    queue = with(queue, reader.whole("delivery-limit"), Queue::delivery_limit);
    queue = with(queue, reader.whole("max-priority"), Queue::max_priority);
    queue = with(
        queue,
        reader.whole("initial-group-size"),
        Queue::initial_group_size,
    );
    queue = with(
        queue,
        reader.duration("consumer-timeout"),
        Queue::consumer_timeout,
    );
    queue = with(
        queue,
        reader.choice("leader-locator", &locators),
        Queue::leader_locator,
    );
    let age: Option<Setting<Duration>> = reader.duration("max-age");
    if age.as_ref().is_some_and(|age| age.subsec_nanos() != 0) {
        reader.fault(
            "max-age",
            "is not in whole seconds",
            "the broker takes whole seconds only",
        );
    }
    with(queue, age, Queue::max_age)
}

fn with<T>(queue: Queue, setting: Option<Setting<T>>, set: impl Fn(Queue, T) -> Queue) -> Queue {
    match setting {
        Some(setting) => set(queue, setting.value),
        None => queue,
    }
}

fn binding(reader: &mut Reader<'_>, place: Place) -> Option<Binding> {
    let queue = reader.word("queue");
    let exchange = reader.word("destination-exchange");
    let key = reader.text("routing-key");
    let arguments = arguments(reader);
    let source = required(reader, "exchange", &place);
    let binding = match (queue, exchange) {
        (Some(queue), None) => Binding::queue(queue.value),
        (None, Some(exchange)) => Binding::exchange(exchange.value),
        (Some(_), Some(_)) => {
            reader.fault(
                "destination-exchange",
                "is given together with `queue`",
                "write two bindings",
            );
            return None;
        }
        (None, None) => {
            let said: BTreeSet<_> = ["queue", "destination-exchange"]
                .iter()
                .filter(|name| reader.said(name).is_some())
                .collect();
            if said.is_empty() {
                reader.faults.push(
                    Fault::new(place, "this binding leads nowhere")
                        .fix("add `queue` or `destination-exchange`"),
                );
            }
            return None;
        }
    };
    let mut binding = binding.to(source?).declared_at(place);
    if let Some(key) = key {
        binding = binding.with(key.value);
    }
    Some(
        arguments
            .into_iter()
            .fold(binding, |binding, (name, value)| {
                binding.argument(name, value)
            }),
    )
}
