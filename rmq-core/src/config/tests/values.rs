//! What is read from good files.

use std::time::Duration;

use super::super::*;
use super::{read, read_with};
use crate::error::Place;

#[test]
fn an_empty_file_gives_the_documented_defaults() {
    let properties = read("");
    let connection = &properties.connection;
    assert_eq!(
        connection.addresses.first().unwrap().to_string(),
        "localhost"
    );
    assert_eq!(
        connection.port_of(connection.addresses.first().unwrap()),
        5672
    );
    assert_eq!(connection.credentials.username, "guest");
    assert_eq!(connection.credentials.password.reveal(), "guest");
    assert_eq!(connection.virtual_host, "/");
    assert_eq!(connection.heartbeat, Duration::from_secs(60));
    assert_eq!(
        (connection.channel_max, connection.frame_max),
        (2047, 131_072)
    );
    assert_eq!(connection.connect_timeout, Duration::from_secs(10));
    assert_eq!(connection.handshake_timeout, Duration::from_secs(10));
    assert_eq!(connection.close_timeout, Duration::from_secs(10));
    assert_eq!(connection.rpc_timeout, Duration::from_secs(30));
    assert_eq!(connection.start_timeout, Duration::from_secs(60));
    assert_eq!(connection.shutdown_timeout, Duration::from_secs(30));
    assert_eq!(
        (connection.max_body_size, connection.max_header_size),
        (64 << 20, 128 << 10)
    );
    assert_eq!(
        (connection.max_header_depth, connection.channel_cache_size),
        (32, 25)
    );
    assert_eq!(connection.channel_checkout_timeout, Duration::from_secs(5));
    assert!(connection.declare_topology && connection.ssl.validate_server_certificate);
    assert_eq!(
        connection.recovery.initial_interval,
        Duration::from_millis(500)
    );
    assert_eq!(connection.recovery.max_interval, Duration::from_secs(30));
}

#[test]
fn the_defaults_of_publishing_and_listening_are_the_documented_ones() {
    let properties = read("rabbitmq:\n");
    let publisher = &properties.publisher;
    assert!(publisher.returns);
    assert_eq!(
        (publisher.window_messages, publisher.window_bytes),
        (5000, 64 << 20)
    );
    assert_eq!(publisher.confirm_timeout, Duration::from_secs(60));
    assert_eq!(publisher.return_grace, Duration::from_secs(5));
    let template = &properties.template;
    assert!(template.mandatory && !template.retry.enabled);
    assert_eq!(
        (template.receive_timeout, template.reply_timeout),
        (Duration::ZERO, Duration::from_secs(5))
    );
    assert_eq!(template.resend, Resend::UntilDeadline);
    let listener = &properties.listener;
    assert_eq!(
        (listener.prefetch.value, *listener.concurrency),
        (250, Concurrency::fixed(1))
    );
    assert!(*listener.auto_startup && !*listener.requeue_rejected);
    let retry = listener.retry();
    assert_eq!(retry.attempts(), 3);
    let waits = [1, 2, 3, 4, 5, 99].map(|attempt| retry.wait_after(attempt).as_secs());
    assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
    let executor = &properties.executor;
    assert_eq!(
        (
            executor.core_size,
            executor.max_size,
            executor.queue_capacity
        ),
        (16, 16, 500)
    );
    assert_eq!(executor.thread_name_prefix, "rabbitExecutor-");
    assert_eq!(executor.rejection_policy, RejectionPolicy::CallerRuns);
    assert!(executor.await_termination);
    assert_eq!(executor.await_termination_period, Duration::from_secs(30));
}

#[test]
fn the_mirrored_spring_file_works_comments_and_all() {
    let text = "# the broker\nspring:\n  application:\n    name: shop   # left alone\n  rabbitmq:\n    # tell us what became of each message\n    publisher-confirm-type: true\n    publisher-returns: true   # and what no queue took\n    template:\n      mandatory: true\nserver:\n  port: 8080\n  prefetch: [1, 2]\n";
    let properties = read(text);
    assert!(properties.publisher.returns && properties.template.mandatory);
    let origin = properties.origins.of("template.mandatory");
    assert_eq!(origin, Origin::Settings(Place::file("rabbit.yml", 10, 18)));
    let bare = "spring:\n  rabbitmq:\n    publisher-confirm-type: true\n    publisher-returns: true\n    template:\n      mandatory: true\n";
    assert_eq!(read(bare).template, properties.template);
}

#[test]
fn the_file_of_the_design_works_as_written() {
    let properties = read_with(include_str!("design.yml"), &[("RABBIT_USER", "shop")]);
    let hosts: Vec<String> = properties
        .connection
        .addresses
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(hosts, ["rmq1:5672", "rmq2:5672", "rmq3:5672"]);
    assert_eq!(properties.connection.credentials.username, "shop");
    assert_eq!(properties.sources.other_variables, ["RABBIT_USER"]);
    let topology = properties.topology.check().unwrap();
    let queues: Vec<&str> = topology.queues().map(|queue| queue.name()).collect();
    assert_eq!(queues, ["orders.created.dlq", "orders.created"]);
    assert_eq!(topology.bindings().count(), 1);
}

#[test]
fn all_spellings_of_a_name_are_one() {
    for text in [
        "rabbitmq:\n  listener:\n    simple:\n      max-concurrency: 7\n",
        "rabbitmq:\n  listener:\n    simple:\n      maxConcurrency: 7\n",
        "rabbitmq:\n  listener:\n    simple:\n      max_concurrency: 7\n",
        "rabbitmq.listener.simple.max-concurrency: 7\n",
        "spring.rabbitmq.listener.simple.maxConcurrency: 7\n",
        "spring:\n  rabbitmq.listener:\n    simple.max-concurrency: 7\n",
        "rabbit-mq: {listener.simple: {maxConcurrency: 7}}\n",
    ] {
        assert_eq!(read(text).listener.concurrency.max, 7, "{text}");
    }
}

#[test]
fn lists_are_lists_or_text_with_commas() {
    for text in [
        "rabbitmq: {addresses: 'a:1, b:2'}",
        "rabbitmq:\n  addresses:\n    - a:1\n    - b:2\n",
        "rabbitmq: {addresses: [\"a:1\", \"b:2\"]}",
    ] {
        let hosts: Vec<String> = read(text)
            .connection
            .addresses
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(hosts, ["a:1", "b:2"], "{text}");
    }
}

#[test]
fn each_address_may_have_its_own_login_and_tls() {
    let text =
        "rabbitmq:\n  username: main\n  addresses: amqps://u:p%40@a/v, b, amqp://c:1\n  ssl: {}\n";
    let connection = read(text).connection;
    let [first, second, third] = connection.addresses.as_slice() else {
        panic!("three")
    };
    assert_eq!(connection.credentials_of(first).password.reveal(), "p@");
    assert_eq!(
        (connection.port_of(first), connection.virtual_host_of(first)),
        (5671, "v")
    );
    assert_eq!(connection.credentials_of(second).username, "main");
    assert_eq!(
        (connection.port_of(second), connection.port_of(third)),
        (5672, 1)
    );
    assert!(connection.uses_tls(first) && !connection.uses_tls(second));
}

#[test]
fn units_are_those_that_spring_gives() {
    let text = "rabbitmq:\n  requested-heartbeat: 20\n  connection-timeout: 2500\n  max-inbound-message-body-size: 1024\n  template: {reply-timeout: PT3S}\n";
    let properties = read(text);
    assert_eq!(properties.connection.heartbeat, Duration::from_secs(20));
    assert_eq!(
        properties.connection.connect_timeout,
        Duration::from_millis(2500)
    );
    assert_eq!(properties.connection.max_body_size, 1024);
    assert_eq!(properties.template.reply_timeout, Duration::from_secs(3));
}

#[test]
fn mandatory_follows_publisher_returns_unless_it_is_said() {
    for (text, expected) in [
        ("rabbitmq: {publisher-returns: false}", false),
        ("rabbitmq: {publisher-returns: true}", true),
        ("rabbitmq: {template: {mandatory: false}}", false),
    ] {
        assert_eq!(read(text).template.mandatory, expected, "{text}");
    }
}

#[test]
fn stores_are_read_and_embedded_is_an_address() {
    let text = "rabbitmq:\n  addresses: amqps://h\n  sasl-mechanism: external\n  ssl:\n    key-store: client.p12\n    key-store-password: ${PW:s3cret}\n    key-store-type: pkcs12\n    trust-store: ca.pem\n    algorithm: TLSv1.3\n";
    let ssl = read(text).connection.ssl;
    let key_store = ssl.key_store.unwrap();
    assert_eq!(
        (key_store.format, key_store.password.unwrap().reveal()),
        (Some(StoreType::Pkcs12), "s3cret")
    );
    assert_eq!(
        (ssl.trust_store.unwrap().format, ssl.version),
        (None, Some(TlsVersion::V1_3))
    );
    let embedded = read("rabbitmq: {addresses: embedded}").connection;
    assert!(embedded.embedded && embedded.addresses.is_empty());
}

#[test]
fn a_second_broker_has_the_same_keys_and_its_own_defaults() {
    let text = "rabbitmq:\n  username: one\n  brokers:\n    eu-west:\n      host: eu\n      listeners: {on_order: {prefetch: 3}}\n    us:\n";
    let properties = read(text);
    let eu = properties.broker("euWest").unwrap();
    assert_eq!(eu.connection.credentials.username, "guest");
    assert_eq!(eu.connection.addresses.first().unwrap().host, "eu");
    assert_eq!(
        eu.listener_by_id("onOrder")
            .unwrap()
            .prefetch
            .as_ref()
            .unwrap()
            .value,
        3
    );
    assert!(properties.broker("us").is_some() && properties.broker("asia").is_none());
}

#[test]
fn values_equal_to_what_happens_anyway_are_taken() {
    let text = "rabbitmq:\n  cache.connection.mode: CHANNEL\n  listener.simple: {batch-size: 1, force-stop: true, retry.stateless: true, missing-queues-fatal: false}\n  ssl.key-store-algorithm: SunX509\n";
    read(text);
}

#[test]
fn anchors_and_aliases_are_followed() {
    let text = "x-limits: &limits {prefetch: 9}\nrabbitmq:\n  listeners:\n    a: *limits\n    b: *limits\n";
    let properties = read(text);
    for id in ["a", "b"] {
        assert_eq!(
            properties
                .listener_by_id(id)
                .unwrap()
                .prefetch
                .as_ref()
                .unwrap()
                .value,
            9
        );
    }
}

#[test]
fn the_defaults_lose_nothing_and_what_can_is_listed_with_its_place() {
    let safe = read("");
    assert!(safe.unsafe_choices().is_empty() && safe.listener.unsafe_choices().is_empty());
    let text = "rabbitmq:\n  publisher-returns: false\n  dynamic: false\n  ssl: {validate-server-certificate: false, verify-hostname: false}\n  listener.simple: {acknowledge-mode: none, dead-letter: none, default-requeue-rejected: true, executor.await-termination: false}\n";
    let properties = read(text);
    let found: Vec<&str> = properties
        .unsafe_choices()
        .iter()
        .map(|choice| choice.path)
        .collect();
    assert_eq!(found.len(), 5, "{found:?}");
    assert_eq!(properties.listener.unsafe_choices().len(), 3);
    let first = properties.unsafe_choices();
    assert_eq!(first.first().unwrap().origin.to_string(), "rabbit.yml:2:22");
    let quiet = read("rabbitmq: {template.mandatory: false}");
    assert_eq!(
        quiet.unsafe_choices().first().unwrap().path,
        "template.mandatory"
    );
}
