//! A program that only does its work and stops logs nothing that looks like a fault.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use rmq_core::prelude::*;
use rmq_core::testing::RabbitHarness;
use rmq_tests::log::Log;

#[rabbit_config]
struct Shop;

#[rabbit_listener(queue = "quiet.orders")]
async fn on_order(_order: u64) {}

#[tokio::test(flavor = "multi_thread")]
async fn starting_working_and_stopping_is_no_warning_and_no_error() {
    let log = Log::of_this_process();
    for order in 0..20 {
        let builder = Shop::builder()
            .environment::<String, String>([])
            .properties("quiet.yml", "rabbitmq: {}")
            .only(listeners![on_order])
            .declare(Queue::quorum("quiet.orders"));
        let rabbit = RabbitHarness::start(builder).await.unwrap();
        let publish = rabbit
            .template()
            .convert_and_send("", "quiet.orders", &order);
        publish.await.unwrap();
        rabbit.settled_count("on_order", 1).await.unwrap();
        rabbit.stop().await.unwrap();
    }
    let text = log.text();
    assert!(text.contains(" INFO "), "the log is heard");
    let faults: Vec<&str> = text
        .lines()
        .filter(|line| line.contains(" ERROR ") || line.contains(" WARN "))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}
