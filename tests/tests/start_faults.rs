//! Everything that a start refuses, in one list, on the broker inside the process.
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

struct Till;

#[rabbit_listener(queue = "faults.single")]
async fn on_single() {}

#[rabbit_listener(queue = "faults.other")]
async fn on_other() {}

#[rabbit_listener(queue = "faults.unknown")]
async fn on_unknown(_till: State<Till>) {}

#[rabbit_listener(queue = "faults.other", id = "on_other")]
async fn another() {}

fn shop(file: &str) -> RabbitBuilder {
    Shop::builder()
        .environment::<String, String>([])
        .properties("faults.yml", file)
        .declare(Queue::quorum("faults.single").single_active(true))
        .declare(Queue::quorum("faults.other"))
}

async fn faults(builder: RabbitBuilder) -> String {
    RabbitHarness::start(builder).await.unwrap_err().to_string()
}

#[tokio::test]
async fn what_settings_components_and_topology_say_wrong_is_told_in_one_list() {
    let file = "\
rabbitmq:
  listeners:
    on_single: { concurrency: 2 }
    on_other: { exclusive: true, concurrency: 3, acknowledge-mode: manual }
    on_othr: { prefetch: 5 }
";
    let only = listeners![on_single, on_other, on_unknown];
    let list = faults(shop(file).only(only)).await;
    for fault in [
        // From the file, each at its place.
        "faults.yml:3:",
        "queue `faults.single` has a single active one",
        "faults.yml:4:",
        "`on_other` is exclusive and has more than one consumer",
        "`on_other` acknowledges by hand and takes no `Acknowledger`",
        "faults.yml:5:",
        "did you mean `on_other`?",
        // From the program.
        "Till",
        "`faults.unknown` is not declared here",
    ] {
        assert!(list.contains(fault), "no `{fault}` in {list}");
    }
}

#[tokio::test]
async fn two_listeners_of_one_id_are_a_fault_that_names_both() {
    let list =
        faults(shop("rabbitmq:\n  connection-name: faults\n").only(listeners![on_other, another]))
            .await;
    assert!(list.contains("on_other"), "{list}");
    assert_eq!(list.matches("start_faults.rs:").count(), 2, "{list}");
}

#[tokio::test]
async fn properties_that_are_not_supported_are_told_all_at_once() {
    let file = "\
rabbitmq:
  publisher-confirm-type: none
  listener: { type: direct, simple: { batch-size: 5, prefetch: many } }
  template: { observation-enabled: false }
";
    let list = faults(shop(file).only(listeners![on_other])).await;
    for place in ["faults.yml:2:", "faults.yml:3:", "faults.yml:4:"] {
        assert!(list.contains(place), "nothing at {place} in {list}");
    }
}
