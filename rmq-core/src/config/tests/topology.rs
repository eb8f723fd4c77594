//! Topology from the file.

use super::{faults, lines, read};
use crate::message::Value;
use crate::topology::{DeadLetterRoute, Destination};

#[test]
fn every_property_of_a_declaration_is_taken() {
    let text = "rabbitmq:\n  topology:\n    exchanges:\n      - name: e\n        type: headers\n        durable: false\n        autoDelete: true\n        internal: true\n        alternate-exchange: amq.fanout\n        arguments: {x-a: 1, x-b: '1', x-c: true, x-d: [1.5, text], x-e: {inner: 2}}\n    queues:\n      - plain\n      - name: full\n        type: quorum\n        ttl: 1m\n        expires: 1h\n        max-length: 10\n        max-length-bytes: 1MB\n        overflow: reject-publish\n        delivery-limit: 5\n        single-active-consumer: true\n        initial-group-size: 3\n        consumer-timeout: 2m\n        leader-locator: balanced\n        dead-letter: plain\n        dead-letter-strategy: at-least-once\n      - {name: mine, type: classic, exclusive: true, auto-delete: true, durable: false, max-priority: 9}\n      - {name: log, type: stream, max-age: 1h}\n    bindings:\n      - {exchange: e, queue: plain, arguments: {x-match: all, tenant: eu}}\n      - {exchange: amq.topic, destination-exchange: e, routing-key: 'a.#'}\n";
    let topology = read(text)
        .topology
        .check()
        .unwrap_or_else(|faults| panic!("{faults}"));
    let exchange = topology.exchanges().next().unwrap();
    assert!(!exchange.is_durable() && exchange.is_auto_delete() && exchange.is_internal());
    let arguments = exchange.arguments();
    assert_eq!(arguments.get("x-a"), Some(&Value::from(1_i64)));
    assert_eq!(arguments.get("x-b"), Some(&Value::from("1")));
    assert_eq!(arguments.get("x-c"), Some(&Value::from(true)));
    assert_eq!(
        arguments.get("x-d"),
        Some(&Value::Array(vec![Value::from(1.5), Value::from("text")]))
    );
    assert_eq!(
        arguments.get("x-e"),
        Some(&Value::Table(vec![("inner".into(), Value::from(2_i64))]))
    );
    let full = topology.queue("full").unwrap().arguments();
    for (name, value) in [
        ("x-message-ttl", 60_000_i64),
        ("x-expires", 3_600_000),
        ("x-max-length", 10),
        ("x-max-length-bytes", 1 << 20),
        ("x-delivery-limit", 5),
        ("x-quorum-initial-group-size", 3),
        ("x-consumer-timeout", 120_000),
    ] {
        assert_eq!(full.get(name), Some(&Value::from(value)), "{name}");
    }
    assert_eq!(
        full.get("x-queue-leader-locator"),
        Some(&Value::from("balanced"))
    );
    let mine = topology.queue("mine").unwrap();
    assert!(mine.is_exclusive() && mine.is_auto_delete() && !mine.is_durable());
    assert_eq!(
        topology.queue("log").unwrap().arguments().get("x-max-age"),
        Some(&Value::from("3600s"))
    );
    let destinations: Vec<&Destination> = topology
        .bindings()
        .map(|binding| binding.destination())
        .collect();
    assert_eq!(
        destinations,
        [
            &Destination::Queue("plain".into()),
            &Destination::Exchange("e".into())
        ]
    );
}

#[test]
fn dead_letter_takes_a_queue_an_exchange_or_a_word() {
    let text = "rabbitmq:\n  topology:\n    exchanges: [{name: dead, type: fanout}]\n    queues:\n      - {name: a, dead-letter: graves}\n      - {name: b, dead-letter-exchange: dead, dead-letter-routing-key: k}\n      - {name: c, dead-letter: none}\n      - {name: d, dead-letter: policy}\n      - {name: e, dead-letter: external}\n      - {name: f}\n    bindings: [{exchange: dead, queue: graves}]\n";
    let topology = read(text)
        .topology
        .check()
        .unwrap_or_else(|faults| panic!("{faults}"));
    let ends = |queue: &str| match topology.dead_letter_route(queue) {
        DeadLetterRoute::Known(route) => route.queues.join(","),
        other => format!("{other:?}"),
    };
    let found = ["a", "b", "c", "d", "e", "f"].map(ends);
    assert_eq!(
        found,
        [
            "graves",
            "graves",
            "None { said: true }",
            "Policy",
            "External",
            "f.dlq"
        ]
    );
}

#[test]
fn wrong_declarations_are_told_at_their_place() {
    for (item, place, words) in [
        (
            "queues: [{type: quorum}]",
            "3:14",
            "`topology.queues.name` is missing",
        ),
        ("queues: [{name: ''}]", "3:21", "is empty"),
        (
            "queues: [{name: q, type: quorom}]",
            "3:30",
            "did you mean `quorum`",
        ),
        (
            "queues: [{name: q, dead-letter: a, dead-letter-exchange: b}]",
            "3:62",
            "together with `dead-letter`",
        ),
        (
            "queues: [{name: q, dead-letter-routing-key: b}]",
            "3:49",
            "without `dead-letter-exchange`",
        ),
        ("queues: {q: {}}", "3:13", "is a list of sections"),
        ("queues: [[q]]", "3:14", "an item of `topology.queues`"),
        (
            "exchanges: [orders]",
            "3:17",
            "an item of `topology.exchanges`",
        ),
        (
            "exchanges: [{name: e}, {name: e, type: topic}]",
            "3:35",
            "given twice",
        ),
        (
            "bindings: [{queue: q, routing-key: k}]",
            "3:16",
            "`topology.bindings.exchange` is missing",
        ),
        (
            "bindings: [{exchange: e, routing-key: k}]",
            "3:16",
            "leads nowhere",
        ),
        (
            "bindings: [{exchange: e, queue: q, destination-exchange: f}]",
            "3:62",
            "write two bindings",
        ),
        (
            "queues: [{name: q, type: stream, max-age: 1500ms}]",
            "3:47",
            "whole seconds",
        ),
        ("queues: [{name: q, max-priority: 300}]", "3:38", "1 to 255"),
    ] {
        let found = lines(&faults(&format!("rabbitmq:\n  topology:\n    {item}\n")));
        let expected = format!("rabbit.yml:{place}: ");
        assert!(
            found.len() == 1
                && found
                    .iter()
                    .all(|line| line.starts_with(&expected) && line.contains(words)),
            "{item} {place} {words}: {found:#?}"
        );
    }
}

#[test]
fn contradictions_of_a_checked_topology_keep_their_places_in_the_file() {
    let properties =
        read("rabbitmq:\n  topology:\n    queues:\n      - {name: q, exclusive: true}\n");
    let found = lines(&properties.topology.check().unwrap_err());
    assert!(
        found
            .first()
            .unwrap()
            .starts_with("rabbit.yml:4:9: quorum queue `q` cannot be exclusive"),
        "{found:?}"
    );
}
