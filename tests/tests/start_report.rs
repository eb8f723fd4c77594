//! What a program says at start: where it is connected, what stands, who listens, and everything that can lose a message.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use rmq_core::RabbitBuilder;
use rmq_core::prelude::*;
use rmq_core::testing::RabbitHarness;

#[rabbit_config]
struct Shop;

#[rabbit_listener(queue = "report.orders", concurrency = "2-3", dead_letter = "none")]
async fn on_order(_order: String) {}

#[rabbit_listener(queue = "report.ticks", ack = "none")]
async fn on_tick(_tick: String) {}

const FILE: &str = "rabbitmq:
  virtual-host: shop
  username: clerk
  password: password-kept-quiet
  requested-heartbeat: 17
  connection-timeout: 1500
  template: { mandatory: false, resend: never }
  listener.simple.executor.await-termination: false
";

/// Each unsafe choice of the program below: where it was made, and what it can cost.
const UNSAFE: [(&str, &str); 8] = [
    (
        "`template.mandatory` (report.yml:7:26)",
        "nobody learns of a message that no queue took",
    ),
    (
        "`listener.simple.executor.await-termination` (report.yml:8:",
        "a stop does not wait for running handlers",
    ),
    ("`template.resend`", "ends as unknown"),
    (
        "listener `on_order`, `dead-letter` (",
        "rejected messages are deleted",
    ),
    (
        "listener `on_tick`, `acknowledge-mode` (",
        "one that is not handled is lost",
    ),
    (
        "start_report.rs:",
        "exchange `report.events` and its bindings go when the broker restarts",
    ),
    (
        "start_report.rs:",
        "quorum queue `report.orders` has no dead-letter queue: rejected messages are deleted",
    ),
    (
        "start_report.rs:",
        "classic queue `report.ticks` dead-letters at most once",
    ),
];

fn shop() -> RabbitBuilder {
    Shop::builder()
        .environment::<String, String>([])
        .properties("report.yml", FILE)
        .only(listeners![on_order, on_tick])
        .declare(Exchange::topic("report.events").transient())
        .declare(Queue::quorum("report.orders").dead_letter(DeadLetter::None))
        .declare(Queue::classic("report.ticks"))
        .declare(
            Binding::queue("report.orders")
                .to("report.events")
                .with("order.#"),
        )
}

#[tokio::test]
async fn the_start_report_says_what_was_started_and_every_unsafe_choice() {
    let rabbit = RabbitHarness::start(shop()).await.unwrap();
    let report = rabbit.app().report();
    let (text, choices) = (report.to_string(), report.unsafe_choices().to_vec());
    rabbit.stop().await.unwrap();

    let shows = |line: &str| assert!(text.contains(line), "no `{line}` in\n{text}");
    for line in [
        "settings from report.yml",
        "broker the embedded broker, virtual host `shop`, ",
        ", heartbeat 17s, connect timeout 1.5s",
        "mandatory false",
        "exchange `report.events` (topic)",
        "queue `report.orders` (quorum)",
        "queue `report.ticks` (classic)",
        "binding `report.events` -> queue `report.orders`, key `order.#`",
        "`on_order` on `report.orders`: 2-3 consumer(s), prefetch 250",
        "`on_tick` on `report.ticks`: 1 consumer(s)",
        "UNSAFE CHOICES",
    ] {
        shows(line);
    }
    for (place, sentence) in UNSAFE {
        let told = |choice: &&String| choice.contains(place) && choice.contains(sentence);
        let times = choices.iter().filter(told).count();
        assert_eq!(times, 1, "`{place}`: `{sentence}` in {choices:#?}");
    }
    assert_eq!(choices.len(), UNSAFE.len(), "{choices:#?}");
    for choice in &choices {
        shows(choice);
    }
    assert!(!text.contains("password-kept-quiet"), "{text}");
}
