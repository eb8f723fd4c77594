//! The rules of a topology, one table each.

use std::time::Duration;

use super::*;
use crate::error::{Faults, Place};
use crate::message::Value;

fn plain() -> Declarables {
    Declarables::new()
        .with(Exchange::topic("orders"))
        .with(Queue::named("orders.created"))
        .with(
            Binding::queue("orders.created")
                .to("orders")
                .with("order.created"),
        )
}

fn arguments(queue: &Queue) -> Vec<(String, Value)> {
    queue
        .arguments()
        .iter()
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}

fn sentences(result: Result<Topology, Faults>) -> Vec<String> {
    result
        .unwrap_err()
        .iter()
        .map(|fault| fault.sentence.clone())
        .collect()
}

#[test]
fn a_plain_queue_is_durable_quorum_limited_and_dead_letters_at_least_once() {
    let topology = plain().check().unwrap();
    let queue = topology.queue("orders.created").unwrap();
    assert!(queue.is_durable() && !queue.is_exclusive() && !queue.is_auto_delete());
    assert_eq!(
        arguments(queue),
        [
            ("x-dead-letter-exchange".to_owned(), Value::from("")),
            (
                "x-dead-letter-routing-key".to_owned(),
                Value::from("orders.created.dlq")
            ),
            (
                "x-dead-letter-strategy".to_owned(),
                Value::from("at-least-once")
            ),
            ("x-delivery-limit".to_owned(), Value::from(20_i64)),
            ("x-overflow".to_owned(), Value::from("reject-publish")),
            ("x-queue-type".to_owned(), Value::from("quorum")),
        ]
    );
}

#[test]
fn its_dead_letter_queue_is_quorum_ends_there_and_deletes_nothing_by_itself() {
    let topology = plain().check().unwrap();
    let queue = topology.queue("orders.created.dlq").unwrap();
    assert!(queue.is_durable() && queue.is_derived() && queue.receives_dead_letters());
    assert_eq!(
        arguments(queue),
        [
            (
                "x-delivery-limit".to_owned(),
                Value::from(i64::from(i32::MAX))
            ),
            ("x-queue-type".to_owned(), Value::from("quorum")),
        ]
    );
}

#[test]
fn declarations_come_in_order_dead_letter_queue_first() {
    let topology = plain().check().unwrap();
    let names: Vec<String> = topology
        .declarations()
        .iter()
        .map(|declaration| match declaration {
            Declaration::Exchange(exchange) => format!("exchange {}", exchange.name()),
            Declaration::Queue(queue) => format!("queue {}", queue.name()),
            Declaration::Binding(binding) => format!("bind {}", binding.destination().name()),
        })
        .collect();
    assert_eq!(
        names,
        [
            "exchange orders",
            "queue orders.created.dlq",
            "queue orders.created",
            "bind orders.created"
        ]
    );
}

#[test]
fn a_route_over_a_dead_letter_exchange_stands_before_its_queue() {
    let topology = Declarables::new()
        .with(Queue::quorum("work").dead_letter(DeadLetter::exchange("dead")))
        .with(Exchange::fanout("dead"))
        .with(Exchange::fanout("inner"))
        .with(Binding::exchange("inner").to("dead"))
        .with(Queue::quorum("graves"))
        .with(Binding::queue("graves").to("inner"))
        .check()
        .unwrap();
    let declarations = topology.declarations();
    let work = declarations
        .iter()
        .position(|step| matches!(step, Declaration::Queue(queue) if queue.name() == "work"));
    assert_eq!(work, Some(declarations.len() - 1));
    assert!(
        topology.queue("graves.dlq").is_none(),
        "a dead-letter queue has none of its own"
    );
    match topology.dead_letter_route("work") {
        DeadLetterRoute::Known(route) => assert_eq!(route.queues, ["graves"]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_of_dead_letter_route_is_told_apart() {
    let topology = Declarables::new()
        .with(Queue::quorum("plain"))
        .with(Queue::quorum("policy").dead_letter("policy"))
        .with(Queue::quorum("external").dead_letter("external"))
        .with(Queue::quorum("none").dead_letter("none"))
        .with(Queue::stream("stream"))
        .with(Queue::classic("mine").exclusive(true))
        .with(Queue::quorum("elsewhere").dead_letter(DeadLetter::exchange("not-here")))
        .with(
            Queue::classic("raw")
                .argument("x-dead-letter-exchange", "")
                .argument("x-dead-letter-routing-key", "plain"),
        )
        .check()
        .unwrap();
    let none = |said| DeadLetterRoute::None { said };
    assert_eq!(
        topology.dead_letter_route("policy"),
        DeadLetterRoute::Policy
    );
    assert_eq!(
        topology.dead_letter_route("external"),
        DeadLetterRoute::External
    );
    assert_eq!(topology.dead_letter_route("none"), none(true));
    assert_eq!(topology.dead_letter_route("stream"), none(false));
    assert_eq!(topology.dead_letter_route("mine"), none(false));
    assert_eq!(
        topology.dead_letter_route("plain"),
        none(false),
        "it receives the dead letters of `raw`"
    );
    assert_eq!(
        topology.dead_letter_route("elsewhere"),
        DeadLetterRoute::Unknown
    );
    assert_eq!(
        topology.dead_letter_route("nowhere"),
        DeadLetterRoute::Unknown
    );
    let DeadLetterRoute::Known(route) = topology.dead_letter_route("raw") else {
        panic!("raw")
    };
    assert_eq!(
        (route.queues, route.strategy),
        (vec!["plain".to_owned()], DeadLetterStrategy::AtMostOnce)
    );
}

#[test]
fn a_loop_of_retry_queues_is_allowed_and_ordered() {
    let topology = Declarables::new()
        .with(Queue::quorum("work").dead_letter("wait"))
        .with(
            Queue::quorum("wait")
                .ttl(Duration::from_secs(5))
                .dead_letter("work"),
        )
        .check()
        .unwrap();
    assert_eq!(topology.queues().count(), 2);
}

#[test]
fn the_same_declaration_from_two_places_counts_once() {
    let mut all = plain();
    all.append(plain());
    let topology = all.check().unwrap();
    assert_eq!(
        (
            topology.exchanges().count(),
            topology.queues().count(),
            topology.bindings().count()
        ),
        (1, 2, 1)
    );
}

#[test]
fn all_faults_are_told_at_once_each_at_its_place() {
    let at = |line| Place::file("app.rs", line, 5);
    let faults = Declarables::new()
        .with(Exchange::topic("orders").declared_at(at(1)))
        .with(Exchange::direct("orders").declared_at(at(2)))
        .with(Queue::quorum("q").exclusive(true).declared_at(at(3)))
        .with(Binding::queue("q").to("orders").declared_at(at(4)))
        .check()
        .unwrap_err();
    let places: Vec<String> = faults.iter().map(|fault| fault.place.to_string()).collect();
    assert_eq!(places, ["app.rs:2:5", "app.rs:3:5", "app.rs:4:5"]);
}

#[test]
fn constructors_take_the_place_of_their_caller() {
    let line = line!() + 1;
    let queue = Queue::named("q");
    match queue.place() {
        Place::File { file, line: at, .. } => {
            assert!(file.ends_with("tests.rs"), "{file}");
            assert_eq!(*at, usize::try_from(line).unwrap());
        }
        other => panic!("{other}"),
    }
}

fn each_is_a_fault(cases: impl IntoIterator<Item = (Declarable, &'static str)>) {
    for (declarable, expected) in cases {
        let shown = format!("{declarable:?}");
        let found = sentences(Declarables::new().with(declarable).check());
        assert!(
            found.iter().any(|sentence| sentence.contains(expected)),
            "{shown}: {found:?}"
        );
    }
}

#[test]
fn each_contradiction_of_an_exchange_or_a_binding_is_found() {
    let named = |name: &str| Exchange::direct(name);
    each_is_a_fault([
        (Exchange::custom("e", "tpic").into(), "which no broker has"),
        (named("amq.mine").into(), "keeps for itself"),
        (named("").into(), "has no name"),
        (named("e").alternate("e").into(), "its own alternate"),
        (
            named("e")
                .alternate("a")
                .argument("alternate-exchange", "b")
                .into(),
            "two different",
        ),
        (
            Binding::queue("q").to("").with("k").into(),
            "default exchange",
        ),
        (
            Binding::queue("").to("e").with("k").into(),
            "without a name",
        ),
    ]);
}

#[test]
fn what_a_type_of_queue_does_not_have_is_found() {
    let quorum = || Queue::quorum("q");
    let classic = || Queue::classic("q");
    let stream = || Queue::stream("q");
    each_is_a_fault([
        (quorum().transient().into(), "cannot be transient"),
        (quorum().auto_delete(true).into(), "cannot be auto-delete"),
        (stream().exclusive(true).into(), "cannot be exclusive"),
        (classic().delivery_limit(3).into(), "no `delivery-limit`"),
        (quorum().max_priority(3).into(), "no `max-priority`"),
        (classic().max_priority(0).into(), "`max-priority` zero"),
        (stream().ttl(Duration::from_secs(1)).into(), "no `ttl`"),
        (stream().dead_letter("d").into(), "no dead-letter exchange"),
        (
            quorum().overflow(Overflow::RejectPublishDlx).into(),
            "cannot have overflow",
        ),
        (Queue::quorum("x".repeat(256)).into(), "256 bytes"),
    ]);
}

#[test]
fn each_contradiction_about_dead_letters_is_found() {
    use DeadLetterStrategy::{AtLeastOnce, AtMostOnce};
    let quorum = || Queue::quorum("q");
    let none = || quorum().dead_letter("none");
    each_is_a_fault([
        (
            quorum().dead_letter("q").into(),
            "its own dead-letter queue",
        ),
        (
            quorum().overflow(Overflow::DropHead).into(),
            "`reject-publish` only",
        ),
        (
            Queue::classic("q").dead_letter_strategy(AtLeastOnce).into(),
            "at least once",
        ),
        (
            none().dead_letter_strategy(AtMostOnce).into(),
            "no dead-letter route",
        ),
        (
            none().argument("x-dead-letter-exchange", "d").into(),
            "names no exchange",
        ),
        (
            quorum().dead_letter(DeadLetter::exchange("")).into(),
            "with their own key",
        ),
        (
            quorum()
                .delivery_limit(3)
                .argument("x-delivery-limit", 4)
                .into(),
            "something else",
        ),
        (
            quorum().argument("x-queue-type", "classic").into(),
            "something else",
        ),
    ]);
}

#[test]
fn a_dead_letter_exchange_with_nothing_bound_is_a_fault() {
    let base = || {
        Declarables::new()
            .with(Exchange::direct("dead"))
            .with(Queue::quorum("work").dead_letter(DeadLetter::exchange_with("dead", "work")))
            .with(Queue::quorum("graves").dead_letter("none"))
    };
    for wrong in [
        base(),
        base().with(Binding::queue("graves").to("dead").with("other")),
    ] {
        let found = sentences(wrong.check());
        assert!(
            found
                .iter()
                .any(|sentence| sentence.contains("would be deleted")),
            "{found:?}"
        );
    }
    base()
        .with(Binding::queue("graves").to("dead").with("work"))
        .check()
        .unwrap();
}

#[test]
fn what_is_allowed_stays_allowed() {
    let allowed: Vec<Declarable> = vec![
        Queue::quorum("q")
            .overflow(Overflow::DropHead)
            .dead_letter_strategy(DeadLetterStrategy::AtMostOnce)
            .into(),
        Queue::quorum("q")
            .delivery_limit(3)
            .argument("x-delivery-limit", 3_i32)
            .into(),
        Queue::classic("q")
            .exclusive(true)
            .auto_delete(true)
            .transient()
            .into(),
        Queue::classic("q")
            .max_length(10)
            .overflow(Overflow::RejectPublishDlx)
            .into(),
        Queue::stream("q")
            .max_age(Duration::from_secs(3600))
            .max_length_bytes(1 << 30)
            .into(),
        Exchange::custom("e", "x-consistent-hash").into(),
        Binding::queue("q").to("amq.topic").with("a.*").into(),
        Binding::queue("q").to("known-to-the-broker").into(),
    ];
    for declarable in allowed {
        let shown = format!("{declarable:?}");
        assert!(
            Declarables::new().with(declarable).check().is_ok(),
            "{shown}"
        );
    }
}

#[test]
fn a_bounded_queue_refuses_rather_than_drops() {
    for queue in [
        Queue::classic("q").max_length(5),
        Queue::quorum("q").dead_letter("none").max_length(5),
    ] {
        assert_eq!(
            queue.arguments().get("x-overflow"),
            Some(&Value::from("reject-publish"))
        );
    }
}

#[test]
fn what_can_lose_a_message_is_listed_and_the_default_cannot() {
    assert_eq!(plain().check().unwrap().unsafe_choices(), []);
    let unsafe_ones: Vec<(Declarable, &str)> = vec![
        (Exchange::direct("e").transient().into(), "bindings go"),
        (
            Queue::classic("q").exclusive(true).into(),
            "goes away by itself",
        ),
        (
            Queue::quorum("q").dead_letter("none").into(),
            "rejected messages are deleted",
        ),
        (
            Queue::quorum("q")
                .dead_letter("none")
                .ttl(Duration::from_secs(1))
                .into(),
            "wait too long",
        ),
        (
            Queue::quorum("q")
                .dead_letter("none")
                .overflow(Overflow::DropHead)
                .into(),
            "oldest messages",
        ),
        (Queue::classic("q").into(), "at most once"),
        (
            Queue::quorum("q").expires(Duration::from_secs(1)).into(),
            "unused for long",
        ),
    ];
    for (declarable, expected) in unsafe_ones {
        let topology = Declarables::new().with(declarable).check().unwrap();
        let found = topology.unsafe_choices();
        assert!(
            found
                .iter()
                .any(|choice| choice.sentence.contains(expected)),
            "{found:?}"
        );
    }
}
