//! The kit for users' tests, on the broker inside the process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use rmq_core::prelude::*;
use rmq_core::testing::RabbitHarness;
use rmq_core::time::Deadline;
use rmq_core::{ListenerError, RabbitBuilder};

#[rabbit_config]
struct Shop;

#[rabbit_listener(queue = "kit.names", retry(max_attempts = 1))]
async fn on_name(name: String) -> Result<(), String> {
    if name.is_empty() {
        Err("nobody".to_owned())
    } else {
        Ok(())
    }
}

fn shop() -> RabbitBuilder {
    Shop::builder()
        .environment::<String, String>([])
        .properties("kit.yml", "rabbitmq:\n  connection-name: kit\n")
        .only(listeners![on_name])
        .declare(Queue::quorum("kit.names"))
}

#[tokio::test]
async fn a_settled_delivery_is_seen_with_its_end() {
    let rabbit = RabbitHarness::start(shop()).await.unwrap();
    for name in ["Ada", ""] {
        rabbit
            .template()
            .convert_and_send("", "kit.names", name)
            .await
            .unwrap();
    }
    let settled = rabbit.settled("on_name", 2).await.unwrap().deliveries;
    assert_eq!((settled.acknowledged, settled.dead_lettered), (1, 1));
    let ledger = rabbit.stop().await.unwrap();
    assert!(ledger.adds_up(), "{ledger}");
    assert_eq!(ledger.published.confirmed, 2);
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
    let broker = std::sync::Arc::new(rmq_core::EmbeddedBroker::start().await.unwrap());
    let rabbit = RabbitHarness::start(shop().broker(std::sync::Arc::clone(&broker)))
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
    let unknown = rabbit.settled("on_nam", 1).await.unwrap_err();
    assert!(
        unknown.to_string().contains("`on_nam`; there are: on_name"),
        "{unknown}"
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
