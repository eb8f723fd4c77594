//! `RABBIT_...` over the file.

use super::super::Origin;
use super::{faults_with, lines, read_with};
use crate::error::Place;

#[test]
fn a_variable_replaces_the_value_at_its_own_path() {
    let text = "rabbitmq:\n  addresses: a\n  listener.simple.prefetch: 5\n";
    let properties = read_with(
        text,
        &[
            ("RABBIT_ADDRESSES", "x:1,y:2"),
            ("RABBIT_LISTENER_SIMPLE_PREFETCH", "7"),
            ("RABBIT_TEMPLATE_REPLY_TIMEOUT", "250ms"),
            ("RABBIT_SSL_ENABLED", "true"),
        ],
    );
    assert_eq!(properties.connection.addresses.len(), 2);
    assert_eq!(properties.listener.prefetch.value, 7);
    assert_eq!(properties.template.reply_timeout.as_millis(), 250);
    assert_eq!(properties.connection.ssl.enabled, Some(true));
    let variable = Place::Environment("RABBIT_LISTENER_SIMPLE_PREFETCH".to_owned());
    assert_eq!(
        properties.listener.prefetch.origin,
        Origin::Settings(variable)
    );
}

#[test]
fn listeners_and_brokers_are_reached_by_their_names() {
    let text = "rabbitmq:\n  listeners:\n    onOrder: {prefetch: 1}\n    other_auto: {prefetch: 1}\n  brokers:\n    eu-west: {host: a}\n";
    let properties = read_with(
        text,
        &[
            ("RABBIT_LISTENERS_ON_ORDER_PREFETCH", "11"),
            ("RABBIT_LISTENERS_ON_ORDER_AUTO_STARTUP", "false"),
            ("RABBIT_LISTENERS_ON_ORDER_RETRY_MAX_INTERVAL", "30s"),
            ("RABBIT_LISTENERS_BILL_CONCURRENCY", "2-8"),
            ("RABBIT_BROKERS_EU_WEST_HOST", "eu"),
            ("RABBIT_BROKERS_EU_WEST_LISTENERS_PAY_PREFETCH", "4"),
            ("RABBIT_BROKERS_US_TEMPLATE_EXCHANGE", "e"),
        ],
    );
    let on_order = properties.listener_by_id("on_order").unwrap();
    assert_eq!(on_order.prefetch.as_ref().unwrap().value, 11);
    assert!(!on_order.auto_startup.as_ref().unwrap().value);
    assert_eq!(
        on_order
            .retry_max_interval
            .as_ref()
            .unwrap()
            .value
            .as_secs(),
        30
    );
    assert_eq!(
        properties
            .listener_by_id("bill")
            .unwrap()
            .concurrency
            .as_ref()
            .unwrap()
            .max,
        8
    );
    let eu = properties.broker("eu-west").unwrap();
    assert_eq!(eu.connection.addresses.first().unwrap().host, "eu");
    assert_eq!(
        eu.listener_by_id("pay")
            .unwrap()
            .prefetch
            .as_ref()
            .unwrap()
            .value,
        4
    );
    assert_eq!(properties.broker("us").unwrap().template.exchange, "e");
    assert_eq!(
        (properties.brokers.len(), properties.listeners.len()),
        (2, 3)
    );
}

#[test]
fn variables_that_name_no_property_are_listed_and_no_fault() {
    let pairs = [
        ("RABBIT_USER", "u"),
        ("RABBIT_NONSENSE", "1"),
        ("RABBIT_PROFILES", ""),
        ("OTHER", "x"),
        ("SPRING_RABBITMQ_HOST", "h"),
        ("SPRING_PROFILES_ACTIVE", "prod"),
        ("SPRING_DATASOURCE_URL", "jdbc"),
    ];
    let properties = read_with("rabbitmq: {username: '${RABBIT_USER}'}", &pairs);
    assert_eq!(
        properties.sources.other_variables,
        [
            "RABBIT_NONSENSE",
            "RABBIT_USER",
            "SPRING_PROFILES_ACTIVE",
            "SPRING_RABBITMQ_HOST"
        ]
    );
    assert_eq!(properties.connection.credentials.username, "u");
}

#[test]
fn a_wrong_variable_is_told_by_its_name() {
    for (name, value, words) in [
        ("RABBIT_PORT", "many", "a whole number"),
        ("RABBIT_PORT", "tcp://10.0.0.1:5672", "Kubernetes"),
        ("RABBIT_PUBLISHER_CONFIRMS", "true", "now called"),
        ("RABBIT_STREAM_HOST", "h", "not supported yet"),
        ("RABBIT_LISTENERS_A_PREFETCH", "0", "from 1 to 65535"),
        ("RABBIT_BROKERS_EU_PORT", "x", "brokers.eu.port"),
    ] {
        let found = lines(&faults_with("", &[(name, value)]));
        let expected = format!("environment variable {name}: ");
        assert!(
            found.len() == 1
                && found
                    .iter()
                    .all(|line| line.starts_with(&expected) && line.contains(words)),
            "{found:?}"
        );
    }
}

#[test]
fn addresses_of_the_environment_replace_the_host_of_the_file() {
    let properties = read_with("rabbitmq: {host: h, port: 1}", &[("RABBIT_ADDRESSES", "x")]);
    assert_eq!(properties.connection.addresses.first().unwrap().host, "x");
    let found = faults_with("rabbitmq: {addresses: a}", &[("RABBIT_HOST", "h")]);
    assert!(lines(&found).first().unwrap().contains("would say nothing"));
}

#[test]
fn a_value_of_the_environment_is_taken_as_it_is() {
    let properties = read_with("", &[("RABBIT_PASSWORD", "${x}:y")]);
    assert_eq!(
        properties.connection.credentials.password.reveal(),
        "${x}:y"
    );
}

#[test]
fn a_variable_over_an_unset_placeholder_mends_it() {
    let properties = read_with(
        "rabbitmq: {password: '${NOT_SET}'}",
        &[("RABBIT_PASSWORD", "p")],
    );
    assert_eq!(properties.connection.credentials.password.reveal(), "p");
}
