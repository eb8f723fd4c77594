//! Who decides about a listener.

use super::super::*;
use super::{read, read_with};
use crate::error::{Faults, Place};

fn attribute() -> ListenerProperties {
    let place = Place::file("src/main.rs", 12, 1);
    ListenerProperties {
        queues: Some(Setting::attribute(vec!["orders".to_owned()], place.clone())),
        concurrency: Some(Setting::attribute(
            Concurrency { min: 2, max: 8 },
            place.clone(),
        )),
        prefetch: Some(Setting::attribute(50, place)),
        ..ListenerProperties::default()
    }
}

#[test]
fn the_weakest_is_the_default_then_section_attribute_and_id() {
    let text = "rabbitmq:\n  listener.simple: {prefetch: 100, recovery-interval: 7s, retry.max-retries: 9}\n  listeners:\n    on_order: {concurrency: 3, retry: {max-retries: 1}}\n";
    let properties = read(text);
    let by_id = properties.listener_by_id("on_order");
    let settings = ListenerSettings::resolve(&properties.listener, &attribute(), by_id);
    assert_eq!(settings.prefetch.value, 50, "attribute over section");
    assert_eq!(
        settings.recovery_interval.as_secs(),
        7,
        "section over default"
    );
    assert_eq!(
        *settings.concurrency,
        Concurrency::fixed(3),
        "id over attribute"
    );
    assert_eq!(settings.retry().attempts(), 2, "id over section");
    assert_eq!(settings.active_trigger.value, 10, "default");
    assert_eq!(*settings.queues, ["orders"]);
    assert_eq!(settings.prefetch.origin.to_string(), "src/main.rs:12:1");
    assert_eq!(settings.concurrency.origin.to_string(), "rabbit.yml:4:29");
    assert_eq!(settings.active_trigger.origin.to_string(), "default");
}

#[test]
fn a_variable_keeps_the_rank_of_its_path() {
    let pairs = [
        ("RABBIT_LISTENER_SIMPLE_PREFETCH", "1"),
        ("RABBIT_LISTENERS_ON_ORDER_CONCURRENCY", "5"),
    ];
    let properties = read_with("", &pairs);
    let by_id = properties.listener_by_id("on_order");
    let settings = ListenerSettings::resolve(&properties.listener, &attribute(), by_id);
    assert_eq!(
        settings.prefetch.value, 50,
        "the attribute beats the section, however that was said"
    );
    assert_eq!(settings.concurrency.max, 5);
}

#[test]
fn every_attribute_can_be_said_by_id() {
    let text = "rabbitmq:\n  listeners:\n    a:\n      queues: [x, y]\n      concurrency: 2-8\n      prefetch: 5\n      acknowledge-mode: manual\n      auto-startup: false\n      retry: {enabled: false, max-retries: 1, initial-interval: 1s, multiplier: 1.5, max-interval: 2s}\n      on-failure: park:poison\n      dead-letter: external\n      exclusive: true\n      priority: -3\n      default-requeue-rejected: true\n      recovery-interval: 1s\n    'b.c': {queue: z}\n";
    let properties = read(text);
    let a = properties.listener_by_id("a").unwrap();
    assert_eq!(a.queues.as_ref().unwrap().value, ["x", "y"]);
    assert_eq!(
        a.acknowledge_mode.as_ref().unwrap().value,
        AcknowledgeMode::Manual
    );
    assert_eq!(
        a.on_failure.as_ref().unwrap().value,
        OnFailure::Park("poison".to_owned())
    );
    assert_eq!(
        a.dead_letter.as_ref().unwrap().value,
        DeadLetterSource::External
    );
    assert_eq!(a.priority.as_ref().unwrap().value, -3);
    assert_eq!(
        properties
            .listener_by_id("b.c")
            .unwrap()
            .queues
            .as_ref()
            .unwrap()
            .value,
        ["z"]
    );
    assert_eq!(
        properties.listener_origins.get("a").unwrap().to_string(),
        "rabbit.yml:3:5"
    );
}

#[test]
fn contradictions_between_layers_are_told_at_the_place_that_said_them() {
    let properties = read(
        "rabbitmq:\n  listeners:\n    a: {exclusive: true}\n    b: {on-failure: 'park:p', default-requeue-rejected: true}\n    c: {retry.initial-interval: 1m}\n    d: {on-failure: 'park:p', acknowledge-mode: none}\n",
    );
    let here = Place::file("src/main.rs", 1, 1);
    for (id, place, words) in [
        ("a", "rabbit.yml:3:20", "exclusive"),
        ("b", "rabbit.yml:4:21", "parks"),
        ("c", "rabbit.yml:5:33", "retry wait"),
        ("d", "rabbit.yml:6:21", "forgotten"),
    ] {
        let by_id = properties.listener_by_id(id);
        let settings = ListenerSettings::resolve(&properties.listener, &attribute(), by_id);
        let mut faults = Faults::new();
        settings.check(id, &here, &mut faults);
        let found: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(
            found.len() == 1
                && found
                    .iter()
                    .all(|line| line.starts_with(place) && line.contains(words)),
            "{id}: {found:?}"
        );
    }
}
