#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use super::*;
use crate::config::{AcknowledgeMode, Origin};
use crate::handler::{Handler, Invoke};
use crate::registry::{RetryOptions, Source};
use crate::topology::{DeadLetter, Declarables, Queue};

const SOURCE: Source = Source::new("shop::listeners", "src/listeners.rs", 7, 1);

fn never() -> Handler {
    Handler {
        arguments: Vec::new(),
        invoke: Invoke::Blocking(Box::new(|_| panic!("never called"))),
    }
}

fn descriptor(queues: &'static [&'static str], options: ListenerOptions) -> ListenerDescriptor {
    ListenerDescriptor::new("on_order", SOURCE, never)
        .queues(queues)
        .options(options)
}

fn topology(queues: impl IntoIterator<Item = Queue>) -> Topology {
    let mut declarables = Declarables::new();
    for queue in queues {
        declarables.add(queue);
    }
    declarables.check().unwrap()
}

fn section() -> config::ListenerSettings {
    config::ListenerSettings {
        prefetch: Setting::default_of(250),
        retry_enabled: Setting::default_of(true),
        max_retries: Setting::default_of(2),
        retry_initial_interval: Setting::default_of(Duration::from_secs(1)),
        retry_multiplier: Setting::default_of(2.0),
        retry_max_interval: Setting::default_of(Duration::from_secs(10)),
        auto_startup: Setting::default_of(true),
        consumer_timeout: Setting::default_of(Duration::from_secs(1_800)),
        ..config::ListenerSettings::default()
    }
}

fn decide(
    descriptor: &ListenerDescriptor,
    by_id: Option<&ListenerProperties>,
    topology: &Topology,
) -> (EndpointSettings, Vec<String>) {
    let mut faults = Faults::new();
    let Planned { settings, .. } = plan(descriptor, &section(), by_id, Some(topology), &mut faults);
    (settings, faults.iter().map(ToString::to_string).collect())
}

#[test]
fn the_file_has_the_last_word_over_the_attribute() {
    let options = ListenerOptions::new()
        .concurrency(registry::Concurrency::new(2, 8))
        .prefetch(10)
        .retry(RetryOptions::new().max_attempts(5));
    let by_id = ListenerProperties {
        prefetch: Some(Setting {
            value: 3,
            origin: Origin::Default,
        }),
        ..ListenerProperties::default()
    };
    let known = topology([Queue::named("orders")]);
    let (settings, faults) = decide(&descriptor(&["orders"], options), Some(&by_id), &known);
    assert_eq!(faults, [""; 0]);
    assert_eq!((settings.scaling.min, settings.scaling.max), (2, 8));
    assert_eq!(settings.prefetch, 3);
    assert_eq!(settings.retry.attempts, 5);
    assert_eq!(settings.retry.max_interval, Duration::from_secs(10));
}

#[test]
fn a_listener_needs_a_known_dead_letter_route() {
    let classic_without = Queue::classic("plain").dead_letter(DeadLetter::None);
    let mut declarables = Declarables::new();
    for queue in [
        Queue::named("good"),
        classic_without,
        Queue::classic("away").auto_delete(true),
    ] {
        declarables.add(queue);
    }
    let known = declarables.check().unwrap();
    let plain = ListenerOptions::new();
    let faults = |queues, options| decide(&descriptor(queues, options), None, &known).1;

    assert_eq!(faults(&["good"], plain), [""; 0]);
    // Said by the queue itself.
    assert_eq!(faults(&["plain"], plain), [""; 0]);
    let unknown = faults(&["good", "elsewhere", "away"], plain);
    assert_eq!(unknown.len(), 2, "{unknown:?}");
    assert!(unknown[0].contains("src/listeners.rs:7:1"), "{unknown:?}");
    assert!(
        unknown[0].contains("`elsewhere` is not declared here"),
        "{unknown:?}"
    );
    assert!(
        unknown[1].contains("`away` has no dead-letter queue"),
        "{unknown:?}"
    );
    for said in ["policy", "external", "none"] {
        assert_eq!(faults(&["elsewhere"], plain.dead_letter(said)), [""; 0]);
    }
    // Without acknowledgements nothing is rejected.
    assert_eq!(
        faults(&["elsewhere"], plain.acknowledge(AcknowledgeMode::None)),
        [""; 0]
    );
}

#[test]
fn consumers_that_could_never_work_are_a_fault() {
    let single = topology([Queue::named("single").single_active(true)]);
    let options = ListenerOptions::new().concurrency(registry::Concurrency::new(1, 4));
    let (_, faults) = decide(&descriptor(&["single"], options), None, &single);
    assert!(
        faults.len() == 1 && faults[0].contains("single active"),
        "{faults:?}"
    );
    let (_, faults) = decide(
        &descriptor(&["single"], options.exclusive(true)),
        None,
        &single,
    );
    assert_eq!(faults.len(), 2, "exclusive, too: {faults:?}");
}

#[test]
fn parking_in_the_queue_that_is_consumed_is_a_fault_and_no_queue_at_all_too() {
    let known = topology([Queue::named("orders")]);
    let options = ListenerOptions::new().on_failure(registry::OnFailure::Park("orders"));
    let (_, faults) = decide(&descriptor(&["orders"], options), None, &known);
    assert!(
        faults.len() == 1 && faults[0].contains("which it consumes itself"),
        "{faults:?}"
    );
    let (_, faults) = decide(&descriptor(&[], ListenerOptions::new()), None, &known);
    assert!(
        faults.len() == 1 && faults[0].contains("names no queue"),
        "{faults:?}"
    );
}

#[test]
fn requeueing_comes_from_the_file() {
    let known = topology([Queue::named("orders")]);
    let by_id = ListenerProperties {
        requeue_rejected: Some(Setting::default_of(true)),
        ..ListenerProperties::default()
    };
    let plain = descriptor(&["orders"], ListenerOptions::new());
    let (settings, faults) = decide(&plain, Some(&by_id), &known);
    assert_eq!(faults, [""; 0]);
    assert_eq!(settings.on_failure, FailurePolicy::Requeue);
}

#[test]
fn queues_that_go_with_their_consumer_are_known() {
    let known = topology([
        Queue::classic("going").auto_delete(true),
        Queue::named("staying"),
        Queue::named("soon").expires(Duration::from_secs(60)),
        Queue::named("raw").argument("x-expires", 60_000),
        Queue::named("late").expires(Duration::from_secs(86_400)),
    ]);
    let queues = &["going", "staying", "soon", "raw", "late", "elsewhere"];
    let options = ListenerOptions::new().dead_letter("none");
    let (settings, faults) = decide(&descriptor(queues, options), None, &known);
    assert_eq!(faults, [""; 0]);
    let going: Vec<&str> = settings.auto_delete.iter().map(|name| &**name).collect();
    assert_eq!(going, ["going", "soon", "raw"]);
}

#[test]
fn the_patience_is_that_of_the_most_impatient_queue() {
    let known = topology([
        Queue::named("plain"),
        Queue::named("typed").consumer_timeout(Duration::from_secs(120)),
        Queue::named("raw").argument("x-consumer-timeout", 60_000),
        Queue::named("patient").consumer_timeout(Duration::from_secs(7_200)),
    ]);
    let timeout = |queues| {
        let options = ListenerOptions::new();
        let (settings, faults) = decide(&descriptor(queues, options), None, &known);
        assert_eq!(faults, [""; 0]);
        settings.consumer_timeout.as_secs()
    };
    assert_eq!(timeout(&["plain"]), 1_800);
    assert_eq!(timeout(&["plain", "typed"]), 120);
    assert_eq!(timeout(&["typed", "raw", "plain"]), 60);
    // The listener's own value is shorter.
    assert_eq!(timeout(&["patient"]), 1_800);
}
