//! What goes wrong with a message, and where it ends.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use rmq_core::BoxError;
use rmq_core::handler::{Acknowledgement, Failure, Outcome, Reply};
use rmq_core::listener::{FailedDelivery, FailurePolicy, MessageRecoverer};
use rmq_core::message::Delivery;
use rmq_tests::broker::unique;
use rmq_tests::raw::{Content, FieldTable, Properties, table};

use super::rig::{Notes, Rig, done, endpoint, failed, fatal, handler, listener, name, stop, until};

pub async fn attempts_are_spent_and_then_the_original_is_dead_lettered(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("quorum").await;
    let properties = Properties::default()
        .with_message_id("the-one".into())
        .with_headers(table::table([("x-tenant", table::text("acme"))]));
    rig.send(&queue, Content::with("body", properties).unwrap())
        .await;
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = handler(move |seen| {
        noting.note(seen.attempt);
        async { failed("the bank is closed") }
    });
    let registry = rig
        .start(endpoint(listener("retry", &queue), handler))
        .await;
    assert_eq!(notes.take(3).await, [1, 2, 3]);
    let dlq = format!("{queue}.dlq");
    rig.until_ready(&dlq, 1).await;
    let dead = rig.channel.take(&dlq).await.unwrap().unwrap();
    assert_eq!(dead.text(), "body");
    assert_eq!(dead.header("x-tenant").unwrap(), Some(table::text("acme")));
    assert!(dead.header("x-death").unwrap().is_some());
    stop(&registry).await;
    let ledger = registry.ledger().deliveries;
    assert_eq!(
        (ledger.delivered, ledger.dead_lettered, ledger.retries),
        (1, 1, 2),
        "{ledger}"
    );
}

pub async fn a_fatal_error_and_a_panic_are_dead_lettered_at_once(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("classic").await;
    rig.fill(&queue, 4).await;
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = handler(move |seen| {
        noting.note((seen.number(), seen.attempt));
        // Before the future is there, inside of it, and as an error: the consumer outlives all three.
        assert_ne!(seen.number(), 0, "provoked");
        async move {
            match seen.number() {
                1 => panic!("provoked"),
                2 => fatal("can never be"),
                _ => done(),
            }
        }
    });
    let registry = rig
        .start(endpoint(listener("fatal", &queue), handler))
        .await;
    assert_eq!(notes.take(4).await, [(0, 1), (1, 1), (2, 1), (3, 1)]);
    rig.until_ready(&format!("{queue}.dlq"), 3).await;
    stop(&registry).await;
    let ledger = registry.ledger().deliveries;
    assert_eq!(
        (ledger.acknowledged, ledger.dead_lettered),
        (1, 3),
        "{ledger}"
    );
}

pub async fn deep_header_tables_are_dead_lettered_intact_and_the_next_message_is_handled(
    address: &str,
) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("classic").await;
    let mut sent = Vec::new();
    for levels in [1_000, 10_000] {
        let content = Content::with_header_bytes(format!("{levels} deep"), &table::deep(levels));
        sent.push(content.clone());
        rig.send(&queue, content).await;
    }
    rig.send(&queue, Content::new("plain")).await;
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = handler(move |seen| {
        noting.note(seen.body);
        async { done() }
    });
    let registry = rig.start(endpoint(listener("deep", &queue), handler)).await;
    assert_eq!(notes.next().await, "plain");
    let dlq = format!("{queue}.dlq");
    rig.until_ready(&dlq, 2).await;
    for content in sent {
        let dead = rig.channel.take(&dlq).await.unwrap().unwrap();
        assert_eq!(dead.content.body, content.body);
        // The broker puts its own headers in front of the table; ours is inside, byte for byte.
        let ours = &content.properties[6..];
        let found = dead
            .content
            .properties
            .windows(ours.len())
            .any(|part| part == ours);
        assert!(found, "the table of {} came out another one", dead.text());
    }
    stop(&registry).await;
    let ledger = registry.ledger().deliveries;
    assert_eq!(
        (ledger.acknowledged, ledger.dead_lettered),
        (1, 2),
        "{ledger}"
    );
}

pub async fn a_parked_message_carries_its_cause_and_leaves_its_queue(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("quorum").await;
    let parking = unique("parking");
    rig.declare_with(&parking, FieldTable::default()).await;
    rig.fill(&queue, 2).await;
    let mut settings = listener("parks", &queue);
    settings.on_failure = FailurePolicy::Park(name(&parking));
    let handler = handler(|seen| async move {
        if seen.number() == 0 {
            failed("no such customer")
        } else {
            done()
        }
    });
    let registry = rig.start(endpoint(settings, handler)).await;
    rig.until_ready(&parking, 1).await;
    let parked = rig.channel.take(&parking).await.unwrap().unwrap();
    assert_eq!(parked.text(), "0");
    let header = |name| table::as_text(&parked.header(name).unwrap().unwrap());
    assert_eq!(header("x-exception-message"), "no such customer");
    assert_eq!(header("x-original-queue"), queue);
    assert_eq!(header("x-original-routingKey"), queue);
    let attempts = parked.header("x-attempts").unwrap().unwrap();
    assert_eq!(table::as_number(&attempts), Some(3));
    until("the second message", || async {
        registry.ledger().deliveries.acknowledged == 1
    })
    .await;
    stop(&registry).await;
    let ledger = registry.ledger().deliveries;
    assert_eq!((ledger.parked, ledger.acknowledged), (1, 1), "{ledger}");
    assert_eq!(rig.ready(&queue).await, 0);
    assert_eq!(rig.ready(&format!("{queue}.dlq")).await, 0);
}

pub async fn a_message_that_cannot_be_parked_goes_back_and_is_not_lost(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("classic").await;
    let parking = unique("parking");
    rig.fill(&queue, 1).await;
    let mut settings = listener("parks", &queue);
    settings.retry.attempts = 1;
    settings.on_failure = FailurePolicy::Park(name(&parking));
    let registry = rig
        .start(endpoint(settings, handler(|_| async { failed("always") })))
        .await;
    until("it came back", || async {
        registry.ledger().deliveries.requeued >= 2
    })
    .await;
    rig.declare_with(&parking, FieldTable::default()).await;
    rig.until_ready(&parking, 1).await;
    stop(&registry).await;
    assert_eq!(registry.ledger().deliveries.parked, 1);
    assert_eq!(rig.ready(&queue).await, 0);
}

pub async fn a_requeue_waits_for_the_back_off(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("quorum").await;
    rig.fill(&queue, 1).await;
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = handler(move |_| {
        noting.note(Instant::now());
        async { Outcome::Settled(Acknowledgement::Requeue) }
    });
    let mut settings = listener("requeues", &queue);
    settings.retry.initial_interval = Duration::from_millis(100);
    settings.retry.max_interval = Duration::from_secs(1);
    let registry = rig.start(endpoint(settings, handler)).await;
    let times = notes.take(4).await;
    for (before, after) in times.iter().zip(&times[1..]) {
        assert!(*after - *before >= Duration::from_millis(100), "a hot loop");
    }
    assert!(
        times[3] - times[2] >= Duration::from_millis(400),
        "the wait grows with x-delivery-count"
    );
    stop(&registry).await;
    assert!(registry.ledger().deliveries.requeued >= 3);
    rig.until_ready(&queue, 1).await;
}

struct Keeper(Arc<Notes<String>>);

impl MessageRecoverer for Keeper {
    fn recover<'a>(
        &'a self,
        delivery: &'a Delivery,
        failure: &'a FailedDelivery,
    ) -> BoxFuture<'a, Result<Acknowledgement, BoxError>> {
        let body = String::from_utf8_lossy(delivery.message().body()).into_owned();
        self.0
            .note(format!("{body}: {failure} after {}", failure.attempts()));
        Box::pin(async move {
            match body.as_str() {
                "0" => Ok(Acknowledgement::Ack),
                "1" => Ok(Acknowledgement::Reject),
                _ => Err("the shelf is full".into()),
            }
        })
    }
}

pub async fn a_recoverer_of_the_user_decides(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("classic").await;
    rig.fill(&queue, 3).await;
    let notes = Notes::new();
    let mut settings = listener("kept", &queue);
    settings.retry.attempts = 1;
    let mut endpoint = endpoint(settings, handler(|_| async { failed("broken") }));
    endpoint.recoverer = Some(Arc::new(Keeper(Arc::clone(&notes))));
    let registry = rig.start(endpoint).await;
    let told = notes.take(4).await;
    let expected = [
        "0: broken after 1",
        "1: broken after 1",
        "2: broken after 1",
    ];
    assert_eq!(told[..3], expected);
    // Not taken care of, so it came back.
    assert_eq!(told[3], "2: broken after 1");
    stop(&registry).await;
    let ledger = registry.ledger().deliveries;
    assert_eq!(
        (ledger.acknowledged, ledger.dead_lettered),
        (1, 1),
        "{ledger}"
    );
    rig.until_ready(&queue, 1).await;
}

/// Panics whenever it is asked for something: as a value to write, as an error to tell, as a recoverer.
#[derive(Debug)]
struct Trap;

impl serde::Serialize for Trap {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("provoked")
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("provoked")
    }
}

impl std::error::Error for Trap {}

impl MessageRecoverer for Trap {
    fn recover<'a>(
        &'a self,
        delivery: &'a Delivery,
        _: &'a FailedDelivery,
    ) -> BoxFuture<'a, Result<Acknowledgement, BoxError>> {
        let again = delivery.redelivered();
        assert!(again || delivery.message().body() != "1", "provoked");
        Box::pin(async move {
            assert!(again || delivery.message().body() != "2", "provoked");
            Ok(Acknowledgement::Reject)
        })
    }
}

/// The consumer stays, so nothing that waits behind the message comes again and nears its delivery limit.
pub async fn a_panic_beside_the_handler_harms_no_neighbour(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("quorum").await;
    for number in 0..20 {
        let properties = Properties::default().with_reply_to("nobody".into());
        let content = Content::with(number.to_string(), properties).unwrap();
        rig.send(&queue, content).await;
    }
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = handler(move |seen| {
        noting.note((seen.number(), seen.redelivered));
        async move {
            match seen.number() {
                // Its error, its recoverer's call, its recoverer's future, and its answer's value panic.
                0 => Outcome::Failed(Failure::of(Trap.into())),
                1 | 2 => fatal("for the recoverer"),
                3 => Outcome::Reply(Reply::new(Trap).into()),
                _ => done(),
            }
        }
    });
    let mut settings = listener("trapped", &queue);
    settings.retry.attempts = 1;
    let mut endpoint = endpoint(settings, handler);
    endpoint.recoverer = Some(Arc::new(Trap));
    let registry = rig.start(endpoint).await;
    // Two come back, because their recoverer failed; nothing else does.
    let seen = notes.take(22).await;
    let again: BTreeSet<_> = seen.iter().filter(|(_, again)| *again).collect();
    assert_eq!(again, BTreeSet::from([&(1, true), &(2, true)]));
    rig.until_ready(&format!("{queue}.dlq"), 4).await;
    stop(&registry).await;
    let ledger = registry.ledger().deliveries;
    assert_eq!(
        (ledger.acknowledged, ledger.dead_lettered, ledger.requeued),
        (16, 4, 2),
        "{ledger}"
    );
}

/// Its header table cannot be read, so that we could not write it either: it would come back for ever.
pub async fn a_message_that_nobody_can_publish_is_dead_lettered_instead_of_parked(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("classic").await;
    let parking = unique("parking");
    rig.declare_with(&parking, FieldTable::default()).await;
    let content = Content::with_header_bytes("1000 deep", &table::deep(1_000));
    rig.send(&queue, content).await;
    let mut settings = listener("parks", &queue);
    settings.on_failure = FailurePolicy::Park(name(&parking));
    let registry = rig
        .start(endpoint(settings, handler(|_| async { done() })))
        .await;
    rig.until_ready(&format!("{queue}.dlq"), 1).await;
    stop(&registry).await;
    let ledger = registry.ledger().deliveries;
    assert_eq!(
        (ledger.delivered, ledger.dead_lettered, ledger.parked),
        (1, 1, 0),
        "{ledger}"
    );
    assert_eq!(rig.ready(&parking).await, 0);
}
