//! Everything that a start refuses, in one list, on the broker inside the process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use rmq_core::prelude::*;
use rmq_core::testing::RabbitHarness;
use rmq_core::{RabbitBuilder, StartError};

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

#[rabbit_listener(queue = "faults.nowhere")]
async fn on_nowhere() {}

async fn refused(builder: RabbitBuilder) -> StartError {
    builder.start().await.err().unwrap()
}

#[tokio::test]
async fn an_exclusive_queue_is_not_consumed_with_and_without_acknowledgements() {
    let file = |mode: &str| {
        format!(
            "rabbitmq:\n  listeners:\n    on_other: {{ queue: faults.mine }}\n    on_nowhere: {{ queue: faults.mine, acknowledge-mode: {mode} }}\n"
        )
    };
    let program = |mode: &str| {
        shop(&file(mode))
            .only(listeners![on_other, on_nowhere])
            .declare(
                Queue::classic("faults.mine")
                    .exclusive(true)
                    .transient()
                    .dead_letter("none"),
            )
    };
    let list = faults(program("none")).await;
    for part in [
        "`on_other`",
        "`on_nowhere`",
        "`faults.mine`",
        "start_faults.rs:",
    ] {
        assert!(list.contains(part), "no {part} in {list}");
    }
    let rabbit = RabbitHarness::start(program("auto")).await.unwrap();
    rabbit.stop().await.unwrap();
}

/// What one person may get wrong in one afternoon.
#[tokio::test]
async fn wrong_properties_hide_no_fault_of_the_program() {
    let file = "\
rabbitmq:
  publisher-confirm-tpye: correlated
  template: { observation-enabled: false, reply-timeout: soon }
  listeners:
    on_single: { concurrency: 2, prefetch: 5 }
    on_othr: { prefetch: 5 }
";
    let only = listeners![on_single, on_other, another, on_unknown, on_nowhere];
    let error = refused(shop(file).only(only)).await;
    let list = error.to_string();
    for (place, sentence) in [
        (
            "faults.yml:2:3",
            "`publisher-confirm-tpye` is not a property",
        ),
        (
            "faults.yml:3:15",
            "`template.observation-enabled` is not supported yet",
        ),
        ("faults.yml:3:58", "`template.reply-timeout` must be"),
        (
            "faults.yml:5:31",
            "queue `faults.single` has a single active one",
        ),
        ("faults.yml:6:5", "did you mean `on_other`?"),
        ("start_faults.rs:", "two listeners have the id `on_other`"),
        ("start_faults.rs:", "`on_unknown` needs a component"),
        ("start_faults.rs:", "`faults.nowhere` is not declared here"),
        ("start_faults.rs:", "`faults.unknown` is not declared here"),
    ] {
        let told = |fault: &&rmq_core::error::Fault| {
            let text = fault.to_string();
            text.contains(place) && text.contains(sentence)
        };
        let times = error.fault_list().filter(told).count();
        assert_eq!(times, 1, "`{sentence}` at {place} in {list}");
    }
    assert_eq!(error.fault_list().count(), 9, "{list}");
}

#[tokio::test]
async fn what_only_follows_from_a_property_is_not_told() {
    // The file, how many faults of its own it has, whether what is not declared can be told.
    for (file, own, routes) in [
        // It takes no `Acknowledger`, and would have two consumers of a single-active queue.
        (
            "  listeners.on_single: { concurrency: 2, acknowledge-mode: manual, prefetch: many }",
            1,
            true,
        ),
        (
            "  listener.simple: { acknowledge-mode: manuel, concurrency: 2 }",
            1,
            false,
        ),
        // Its queue may be the one that has lost its name.
        (
            "  topology: { queues: [ { nam: faults.unknown } ] }",
            2,
            false,
        ),
        ("  topolgy: { queues: [ faults.unknown ] }", 1, false),
        ("  topology: { queues: [ \"${FAULTS_QUEUE}\" ] }", 1, false),
        // Where it is broken the rest is not known.
        ("  host: [", 2, false),
    ] {
        let file = format!("rabbitmq:\n{file}\n");
        let only = listeners![on_single, on_nowhere, on_unknown];
        let error = refused(shop(&file).only(only)).await;
        let mut of_program = Vec::new();
        let mut of_file = 0;
        for fault in error.fault_list() {
            if fault.place.to_string().starts_with("faults.yml") {
                of_file += 1;
            } else {
                of_program.push(fault.sentence.clone());
            }
        }
        assert_eq!(of_file, own, "{error}");
        // The missing component is told whatever the file says.
        assert!(
            of_program
                .iter()
                .any(|fault| fault.contains("needs a component")),
            "{error}"
        );
        let told = of_program
            .iter()
            .any(|fault| fault.contains("not declared here"));
        assert_eq!(told, routes, "{error}");
        let of_single = of_program.iter().any(|fault| fault.contains("on_single"));
        assert!(!of_single, "{error}");
    }
}

#[tokio::test]
async fn a_listener_that_belongs_to_a_faulty_block_is_known_all_the_same() {
    let file = "\
rabbitmq:
  listeners:
    on_single: { prefetc: 5 }
    on_sinlge: { prefetc: 5 }
";
    let list = faults(shop(file).only(listeners![on_single])).await;
    assert_eq!(list.matches("is for a listener that").count(), 1, "{list}");
    assert_eq!(
        list.matches("did you mean `prefetch`?").count(),
        2,
        "{list}"
    );
}

#[tokio::test]
async fn a_refused_login_is_told_once() {
    let broker = rmq_embedded::EmbeddedBroker::start().await.unwrap();
    let builder = shop("rabbitmq: { username: nobody, connection-name: till }").broker(broker);
    let error = refused(builder.only(listeners![on_other])).await;
    let text = error.to_string();
    assert!(error.connect_error().is_some(), "{text}");
    assert_eq!(text.matches("opened").count(), 1, "{text}");
    assert_eq!(text.matches("connection `till").count(), 1, "{text}");
}
