//! The kit for users' tests, on the broker inside the process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rmq_core::prelude::*;
use rmq_core::testing::{DeliveryEnd, Fate, NotSeen, RabbitHarness};
use rmq_core::time::Deadline;
use rmq_core::{ListenerError, RabbitBuilder};
use rmq_embedded::{EmbeddedBroker, Event};
use rmq_tests::broker::{Release, announced};

#[rabbit_config]
struct Shop;

#[rabbit_listener(queue = "kit.names", retry(max_attempts = 2, initial_interval = "1ms"))]
async fn on_name(name: String, facts: DeliveryFacts) -> Result<Acknowledgement, String> {
    match name.as_str() {
        "" => Err("nobody".to_owned()),
        "later" if !facts.redelivered() => Ok(Acknowledgement::Requeue),
        "no" => Ok(Acknowledgement::Reject),
        _ => Ok(Acknowledgement::Ack),
    }
}

#[rabbit_listener(
    queue = "kit.parked",
    on_failure = "park:kit.parking",
    retry(max_attempts = 1)
)]
async fn on_parked(_name: String) -> Result<(), String> {
    Err("not today".to_owned())
}

fn shop() -> RabbitBuilder {
    Shop::builder()
        .environment::<String, String>([])
        .properties("kit.yml", "rabbitmq:\n  connection-name: kit\n")
        .only(listeners![on_name])
        .declare(Queue::quorum("kit.names"))
}

async fn send(rabbit: &RabbitHarness, queue: &str, name: &str) -> String {
    let sent = rabbit
        .template()
        .convert_and_send("", queue, name)
        .await
        .unwrap();
    sent.message_id().to_owned()
}

#[tokio::test]
async fn a_settled_message_is_told_with_its_end_and_its_cause() {
    let rabbit = RabbitHarness::start(shop()).await.unwrap();
    let taken = send(&rabbit, "kit.names", "Ada").await;
    let fate = rabbit.settled("on_name", &taken).await.unwrap();
    assert!(fate.is_acknowledged() && fate.cause().is_none(), "{fate}");

    let failing = send(&rabbit, "kit.names", "").await;
    let fate = rabbit.settled("on_name", &failing).await.unwrap();
    assert!(fate.is_dead_lettered(), "{fate}");
    assert_eq!(fate.causes(), ["nobody", "nobody"], "both attempts");

    let rejected = send(&rabbit, "kit.names", "no").await;
    let fate = rabbit.settled("on_name", &rejected).await.unwrap();
    assert!(fate.is_dead_lettered() && fate.cause().is_none(), "{fate}");

    let later = send(&rabbit, "kit.names", "later").await;
    let fate = rabbit
        .wait_for("on_name", &later, |fate| fate.ends().len() == 2)
        .await
        .unwrap();
    assert_eq!(
        fate.ends(),
        [DeliveryEnd::Requeued, DeliveryEnd::Acknowledged]
    );
    assert_eq!(fate.deliveries(), 2);

    let counts = rabbit.settled_count("on_name", 5).await.unwrap().deliveries;
    assert_eq!(
        (counts.acknowledged, counts.dead_lettered, counts.requeued),
        (2, 2, 1)
    );
    let ledger = rabbit.stop().await.unwrap();
    assert!(ledger.adds_up(), "{ledger}");
    assert_eq!(ledger.published.confirmed, 4);
}

#[tokio::test]
async fn a_parked_message_is_told_as_parked() {
    let builder = shop()
        .only(listeners![on_parked])
        .declare(Queue::quorum("kit.parked"))
        .declare(Queue::quorum("kit.parking"));
    let rabbit = RabbitHarness::start(builder).await.unwrap();
    let id = send(&rabbit, "kit.parked", "Ada").await;
    let fate = rabbit.settled("on_parked", &id).await.unwrap();
    assert!(fate.is_parked(), "{fate}");
    assert_eq!(fate.cause(), Some("not today"));
    rabbit.stop().await.unwrap();
}

#[tokio::test]
async fn a_message_that_cannot_be_decoded_was_seen_and_says_why() {
    let rabbit = RabbitHarness::start(shop()).await.unwrap();
    let id = send_number(&rabbit).await;
    let fate = rabbit.settled("on_name", &id).await.unwrap();
    assert!(fate.is_dead_lettered(), "{fate}");
    assert!(fate.cause().unwrap().contains("string"), "{fate}");
    rabbit.stop().await.unwrap();
}

/// Its handler was not called, and the witness is told all the same.
#[tokio::test]
async fn a_message_over_a_limit_was_seen_and_says_why() {
    let limit = "rabbitmq: { max-inbound-message-body-size: 1000 }\n";
    let rabbit = RabbitHarness::start(shop().properties("kit.yml", limit))
        .await
        .unwrap();
    let id = send(&rabbit, "kit.names", &"x".repeat(2000)).await;
    let fate = rabbit.settled("on_name", &id).await.unwrap();
    assert!(fate.is_dead_lettered(), "{fate}");
    assert!(fate.cause().unwrap().contains("2002 bytes"), "{fate}");
    rabbit.stop().await.unwrap();
}

#[tokio::test]
async fn a_failure_in_mode_none_is_told_with_its_cause() {
    let mode = "rabbitmq: { listener: { simple: { acknowledge-mode: none } } }\n";
    let rabbit = RabbitHarness::start(shop().properties("kit.yml", mode))
        .await
        .unwrap();
    let id = send(&rabbit, "kit.names", "").await;
    let fate = rabbit.settled("on_name", &id).await.unwrap();
    assert_eq!(fate.cause(), Some("nobody"), "{fate}");
    rabbit.stop().await.unwrap();
}

async fn send_number(rabbit: &RabbitHarness) -> String {
    let sent = rabbit
        .template()
        .convert_and_send("", "kit.names", &7)
        .await
        .unwrap();
    sent.message_id().to_owned()
}

#[tokio::test]
async fn a_message_that_the_broker_delivers_again_has_two_ends() {
    let rabbit = RabbitHarness::start(shop()).await.unwrap();
    let broker = rabbit.broker().unwrap();
    broker.on_ack().cut();
    let id = send(&rabbit, "kit.names", "Ada").await;
    // The broker never carried the ack out: what it settles comes again.
    let fate = rabbit
        .wait_for("on_name", &id, |fate| {
            fate.deliveries() == 2 && fate.ends().len() == 2
        })
        .await
        .unwrap();
    assert!(fate.is_acknowledged(), "{fate}");
    rabbit.stop().await.unwrap();
}

#[tokio::test]
async fn a_wait_in_vain_says_what_was_seen_instead() {
    let rabbit = RabbitHarness::start(shop()).await.unwrap();
    let failing = send(&rabbit, "kit.names", "").await;
    rabbit.settled("on_name", &failing).await.unwrap();
    let rabbit = rabbit.patience(Duration::from_millis(50));

    let error = rabbit.seen("on_name", "another").await.unwrap_err();
    let told = error.downcast_ref::<NotSeen>().unwrap().to_string();
    let expected = format!(
        "after 50ms message `another` is not yet delivered to listener `on_name`; it was given 1 other:\n  \
         `{failing}`: dead-lettered, 2 attempts failed, the last: nobody"
    );
    assert_eq!(told, expected);

    let error = rabbit
        .wait_for("on_name", &failing, Fate::is_acknowledged)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("is dead-lettered, 2 attempts failed, the last: nobody at listener"),
        "{error}"
    );
    let unknown = rabbit.seen("on_nam", "any").await.unwrap_err().to_string();
    assert!(
        unknown.contains("`on_nam`; there are: on_name"),
        "{unknown}"
    );
    rabbit.stop().await.unwrap();
}

fn shared(address: &str) -> RabbitBuilder {
    shop().environment([("RABBIT_ADDRESSES", address)])
}

#[tokio::test]
async fn a_test_waits_while_another_one_has_its_queue() {
    let broker = EmbeddedBroker::start().await.unwrap();
    let address = broker.address().to_string();
    let first = RabbitHarness::start(shared(&address)).await.unwrap();
    let second = tokio::spawn(RabbitHarness::start(shared(&address)));
    let refused = |event: &Event| matches!(event, Event::ChannelClosed { code: 405, .. });
    let patience = Duration::from_secs(10);
    broker.record().wait_for(patience, refused).await.unwrap();
    assert!(!second.is_finished());
    for _ in 0..10 {
        let id = send(&first, "kit.names", "Ada").await;
        first.settled("on_name", &id).await.unwrap();
    }
    first.stop().await.unwrap();

    let second = second.await.unwrap().unwrap();
    let id = send(&second, "kit.names", "Ada").await;
    second.settled("on_name", &id).await.unwrap();
    second.stop().await.unwrap();
}

/// The broker frees the turn with the connection that had it.
#[tokio::test]
async fn a_test_that_has_lost_its_connection_takes_its_turn_again() {
    let broker = EmbeddedBroker::start().await.unwrap();
    let address = broker.address().to_string();
    let first = RabbitHarness::start(shared(&address)).await.unwrap();
    broker.cut_all();
    let id = send(&first, "kit.names", "Ada").await;
    first.settled("on_name", &id).await.unwrap();

    let second = tokio::spawn(RabbitHarness::start(shared(&address)));
    let refused = |event: &Event| matches!(event, Event::ChannelClosed { code: 405, .. });
    let patience = Duration::from_secs(10);
    broker.record().wait_for(patience, refused).await.unwrap();
    assert!(!second.is_finished());
    first.stop().await.unwrap();
    second.await.unwrap().unwrap().stop().await.unwrap();
}

/// Three tests of one queue at once: no two may run at the same time, and each message reaches the listener of its own.
async fn three_at_once(release: Release) {
    let broker = announced(release).unwrap();
    let running = Arc::new(AtomicUsize::new(0));
    let tests = [(); 3].map(|()| {
        let (running, builder) = (Arc::clone(&running), shared(broker.address()));
        tokio::spawn(async move {
            let rabbit = RabbitHarness::start(builder).await.unwrap();
            assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "alone");
            for _ in 0..10 {
                let id = send(&rabbit, "kit.names", "Ada").await;
                rabbit.settled("on_name", &id).await.unwrap();
            }
            running.fetch_sub(1, Ordering::SeqCst);
            rabbit.stop().await.unwrap();
        })
    });
    for test in tests {
        test.await.unwrap();
    }
}

mod rabbit3 {
    #[tokio::test]
    async fn tests_of_one_queue_take_turns() {
        super::three_at_once(rmq_tests::broker::Release::V3).await;
    }
}

mod rabbit4 {
    #[tokio::test]
    async fn tests_of_one_queue_take_turns() {
        super::three_at_once(rmq_tests::broker::Release::V4).await;
    }
}

#[tokio::test]
async fn the_start_report_counts_listeners_by_crate() {
    let rabbit = RabbitHarness::start(shop()).await.unwrap();
    let report = rabbit.app().report();
    let lines = report.listeners();
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("`on_name` on `kit.names`")),
        "{lines:?}"
    );
    assert!(
        lines.iter().any(|line| line.contains("1 from crate `kit`")),
        "{lines:?}"
    );
    rabbit.stop().await.unwrap();
}

/// A program's own login and virtual host are no reason to write another file for its tests.
#[tokio::test]
async fn the_broker_of_a_test_knows_the_login_of_the_settings() {
    let text = "rabbitmq: { username: clerk, password: secret, virtual-host: shop }\n";
    let rabbit = RabbitHarness::start(shop().properties("kit.yml", text))
        .await
        .unwrap();
    rabbit.stop().await.unwrap();
}

#[tokio::test]
async fn a_broker_that_was_given_is_the_one_that_is_used() {
    let broker = Arc::new(EmbeddedBroker::start().await.unwrap());
    let rabbit = RabbitHarness::start(shop().broker(Arc::clone(&broker)))
        .await
        .unwrap();
    assert_eq!(broker.ready_count("kit.names"), Some(0));
    rabbit.stop().await.unwrap();
}

#[tokio::test]
async fn what_does_not_happen_is_told_with_the_counts() {
    let rabbit = RabbitHarness::start(shop()).await.unwrap();
    let soon = Deadline::after(Duration::from_millis(50));
    let never = rabbit
        .app()
        .listeners()
        .wait_for("on_name", soon, |_| false)
        .await;
    assert!(
        matches!(never, Err(ListenerError::NotSeen { .. })),
        "{never:?}"
    );
    rabbit.stop().await.unwrap();
}

#[tokio::test]
async fn every_fault_of_a_start_is_told_at_once() {
    let wrong = "rabbitmq:\n  virtal-host: shop\n  listeners:\n    on_nam: { prefetch: 5 }\n  listener:\n    simple: { prefetch: many }\n";
    let error = RabbitHarness::start(shop().properties("wrong.yml", wrong))
        .await
        .unwrap_err()
        .to_string();
    for part in ["wrong.yml:2:3", "virtual-host", "wrong.yml:6"] {
        assert!(error.contains(part), "no `{part}` in {error}");
    }
    let unknown = "rabbitmq:\n  listeners:\n    on_nam: { prefetch: 5 }\n";
    let error = RabbitHarness::start(shop().properties("wrong.yml", unknown))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("wrong.yml:3:5") && error.contains("did you mean `on_name`?"),
        "{error}"
    );
}

#[tokio::test]
async fn a_listener_without_a_known_dead_letter_route_does_not_start() {
    let builder = Shop::builder()
        .environment::<String, String>([])
        .properties("kit.yml", "rabbitmq:\n  connection-name: kit\n")
        .only(listeners![on_name]);
    let error = RabbitHarness::start(builder).await.unwrap_err().to_string();
    assert!(
        error.contains("kit.rs:") && error.contains("`kit.names` is not declared here"),
        "{error}"
    );
}
