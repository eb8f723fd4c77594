//! What is wrong is told: all of it, each with its place and its fix.

use super::{faults, faults_with, lines, read};

/// One wrong file for each rule, the place of the fault, and words of its sentence or fix.
fn check(cases: &[(&str, &str, &str)]) {
    for (text, place, words) in cases {
        let found = lines(&faults(text));
        let hit = |line: &String| {
            line.starts_with(&format!("rabbit.yml:{place}: ")) && line.contains(words)
        };
        assert!(
            found.iter().any(hit),
            "expected {place} {words:?}\n{text}\ngot {found:#?}"
        );
        assert_eq!(
            found.len(),
            1,
            "one mistake, one fault\n{text}\ngot {found:#?}"
        );
    }
}

#[test]
fn names_that_are_not_known_come_with_the_one_that_was_meant() {
    check(&[
        (
            "rabbitmq:\n  usrname: x\n",
            "2:3",
            "did you mean `username`",
        ),
        (
            "rabbitmq:\n  listener:\n    simple:\n      prefech: 5\n",
            "4:7",
            "did you mean `prefetch`",
        ),
        (
            "rabbitmq:\n  prefetch: 5\n",
            "2:3",
            "did you mean `listener.simple.prefetch`",
        ),
        (
            "rabbitmq:\n  listeners:\n    a: {concurency: 5}\n",
            "3:9",
            "did you mean `concurrency`",
        ),
        (
            "rabbitmq:\n  listeners:\n    a: {ack: manual}\n",
            "3:9",
            "did you mean `acknowledge-mode`",
        ),
        (
            "rabbitmq:\n  listeners:\n    on_order: {prefetch: none}\n",
            "3:26",
            "`listeners.on_order.prefetch` must be",
        ),
        (
            "rabbitmq:\n  zebra: 5\n",
            "2:3",
            "`zebra` is not a property of `rabbitmq`",
        ),
        (
            "rabbitmq:\n  template.mandatry: true\n",
            "2:3",
            "did you mean `mandatory`",
        ),
        ("rabitmq:\n  host: x\n", "1:1", "did you mean `rabbitmq`"),
        (
            "spring:\n  rabbitmqq:\n    host: x\n",
            "2:3",
            "did you mean `spring.rabbitmq`",
        ),
        ("addresses: a,b\n", "1:1", "put it below `rabbitmq:`"),
        (
            "rabbitmq:\n  topology:\n    queues:\n      - {nam: q, name: r}\n",
            "4:10",
            "did you mean `name`",
        ),
        (
            "rabbitmq:\n  brokers:\n    eu: {hots: x}\n",
            "3:10",
            "did you mean `host`",
        ),
        (
            "rabbitmq:\n  brokers:\n    eu: {brokers: {us: {}}}\n",
            "3:10",
            "not a property of `brokers.eu`",
        ),
    ]);
}

#[test]
fn values_of_the_wrong_type_say_what_they_must_be() {
    check(&[
        (
            "rabbitmq: {port: many}",
            "1:18",
            "a whole number from 1 to 65535",
        ),
        ("rabbitmq: {port: 0}", "1:18", "from 1 to 65535"),
        (
            "rabbitmq: {publisher-returns: maybe}",
            "1:31",
            "true or false",
        ),
        (
            "rabbitmq: {connection-timeout: soon}",
            "1:32",
            "a duration above zero",
        ),
        (
            "rabbitmq: {connection-timeout: 0}",
            "1:32",
            "a duration above zero",
        ),
        ("rabbitmq: {connection-timeout: -1}", "1:32", "a duration"),
        ("rabbitmq: {frame-max: 1KB}", "1:23", "from 4096"),
        (
            "rabbitmq: {max-inbound-message-body-size: big}",
            "1:43",
            "a size",
        ),
        (
            "rabbitmq: {address-shuffle-mode: randm}",
            "1:34",
            "did you mean `random`",
        ),
        (
            "rabbitmq: {listener.simple.acknowledge-mode: atuo}",
            "1:46",
            "did you mean `auto`",
        ),
        (
            "rabbitmq: {listener.simple.concurrency: 8-2}",
            "1:41",
            "a range such as 2-8",
        ),
        (
            "rabbitmq: {listener.simple.prefetch: 0}",
            "1:38",
            "from 1 to 65535",
        ),
        (
            "rabbitmq: {listener.simple.on-failure: drop}",
            "1:40",
            "`listener.simple.on-failure` must be",
        ),
        ("rabbitmq: {recovery.multiplier: 0.5}", "1:33", "at least 1"),
        (
            "rabbitmq: {template: yes}",
            "1:22",
            "`template` is a section",
        ),
        ("rabbitmq: {host: {a: b}}", "1:18", "here is a section"),
        ("rabbitmq: {host: [a, b]}", "1:18", "here is a list"),
        ("rabbitmq:\n  host:\n", "2:3", "has no value"),
        ("rabbitmq: {addresses: []}", "1:23", "empty list"),
        ("rabbitmq: {addresses: [[a]]}", "1:23", "a list"),
        ("rabbitmq: hello", "1:11", "`rabbitmq` is a section"),
    ]);
}

#[test]
fn duplicates_are_told_with_the_first_place() {
    check(&[
        (
            "rabbitmq:\n  host: a\n  port: 1\n  host: b\n",
            "4:3",
            "first at 2:3",
        ),
        (
            "rabbitmq:\n  virtual-host: a\n  virtualHost: b\n",
            "3:3",
            "first at 2:3",
        ),
        (
            "rabbitmq:\n  template: {exchange: a}\n  template: {routing-key: b}\n",
            "3:3",
            "first at 2:3",
        ),
        (
            "rabbitmq:\n  template:\n    exchange: a\n  template.exchange: b\n",
            "4:3",
            "first at 3:15",
        ),
        (
            "rabbitmq:\n  host: a\nrabbitmq:\n  port: 1\n",
            "3:1",
            "first at 1:1",
        ),
        (
            "rabbitmq:\n  listeners:\n    on_a: {prefetch: 1}\n    on-a: {prefetch: 2}\n",
            "4:5",
            "first at 3:5",
        ),
        (
            "rabbitmq:\n  topology:\n    queues:\n      - name: q\n      - name: q\n",
            "5:15",
            "first at rabbit.yml:4:9",
        ),
    ]);
}

#[test]
fn contradictions_are_told() {
    check(&[
        (
            "rabbitmq: {host: x}\nspring: {rabbitmq: {port: 1}}\n",
            "2:10",
            "first at 1:1",
        ),
        (
            "rabbitmq: {host: x, addresses: y}",
            "1:18",
            "together with `addresses`",
        ),
        (
            "rabbitmq: {addresses: y, port: 5}",
            "1:32",
            "together with `addresses`",
        ),
        ("rabbitmq: {host: 'a,b'}", "1:18", "by `addresses`"),
        (
            "rabbitmq: {host: 'amqp://h'}",
            "1:18",
            "write a URI as `addresses`",
        ),
        (
            "rabbitmq: {publisher-confirm-type: none}",
            "1:36",
            "not supported yet",
        ),
        (
            "rabbitmq: {publisher-confirm-type: false}",
            "1:36",
            "not supported yet",
        ),
        (
            "rabbitmq: {publisher-returns: false, template.mandatory: true}",
            "1:58",
            "nobody would be told",
        ),
        (
            "rabbitmq: {ssl.enabled: false, addresses: 'amqps://h'}",
            "1:25",
            "an address says amqps",
        ),
        (
            "rabbitmq: {ssl.enabled: true, addresses: 'amqp://h'}",
            "1:25",
            "an address says amqp",
        ),
        (
            "rabbitmq: {ssl.key-store: a.jks, ssl.key-store-type: JKS}",
            "1:54",
            "keytool",
        ),
        (
            "rabbitmq: {ssl.trust-store-password: x}",
            "1:38",
            "without the store itself",
        ),
        (
            "rabbitmq: {sasl-mechanism: external}",
            "1:28",
            "no client certificate",
        ),
        ("rabbitmq: {addresses: [embedded, h]}", "1:23", "alone"),
        ("rabbitmq: {addresses: [h, 'x:y:z']}", "1:23", "number 2"),
        (
            "rabbitmq: {listener.simple: {concurrency: 2-3, max-concurrency: 4}}",
            "1:65",
            "together with a range",
        ),
        (
            "rabbitmq: {listener.simple: {concurrency: 5, max-concurrency: 4}}",
            "1:63",
            "below `concurrency`",
        ),
        (
            "rabbitmq: {listener.simple.executor: {core-size: 20}}",
            "1:50",
            "larger than the pool",
        ),
        (
            "rabbitmq: {listener.simple.executor.rejection-policy: discard}",
            "1:55",
            "lose messages",
        ),
        (
            "rabbitmq: {template.retry: {max-interval: 10ms}}",
            "1:43",
            "first wait",
        ),
        (
            "rabbitmq: {listeners: {a: {queue: x, queues: [y]}}}",
            "1:46",
            "together with `queue`",
        ),
    ]);
}

#[test]
fn what_is_not_supported_is_refused_and_what_was_renamed_says_so() {
    check(&[
        (
            "rabbitmq: {publisher-confirms: true}",
            "1:12",
            "now called `publisher-confirm-type`",
        ),
        (
            "rabbitmq: {template.queue: q}",
            "1:12",
            "now called `template.default-receive-queue`",
        ),
        (
            "rabbitmq: {listener.simple.transaction-size: 2}",
            "1:12",
            "now called `listener.simple.batch-size`",
        ),
        (
            "rabbitmq: {listener.simple.retry.max-attempts: 2}",
            "1:12",
            "now called `listener.simple.retry.max-retries`",
        ),
        (
            "rabbitmq: {listener.direct.retry.max-attempts: 2}",
            "1:12",
            "now called `listener.direct.retry.max-retries`",
        ),
        (
            "rabbitmq: {template.retry.max-attempts: 2}",
            "1:12",
            "now called `template.retry.max-retries`",
        ),
        (
            "rabbitmq: {listeners: {a: {retry: {max-attempts: 2}}}}",
            "1:36",
            "now called `listeners.a.retry.max-retries`",
        ),
        ("rabbitmq: {stream: {host: h}}", "1:21", "not supported yet"),
        (
            "rabbitmq: {listener.direct.prefetch: 5}",
            "1:12",
            "not supported yet",
        ),
        (
            "rabbitmq: {listener.type: direct}",
            "1:27",
            "not supported yet",
        ),
        (
            "rabbitmq: {cache.connection.mode: connection}",
            "1:12",
            "except as `channel`",
        ),
        ("rabbitmq: {ssl.bundle: b}", "1:12", "not supported yet"),
        (
            "rabbitmq: {listener.simple.idle-event-interval: 5s}",
            "1:12",
            "not supported yet",
        ),
    ]);
}

#[test]
fn placeholders_that_cannot_be_filled_in_are_told_at_their_column() {
    check(&[
        ("rabbitmq:\n  host: ${HOST}\n", "2:9", "HOST is not set"),
        ("rabbitmq:\n  host: 'a${HOST}'\n", "2:11", "HOST is not set"),
        ("rabbitmq:\n  host: ${HOST\n", "2:9", "not closed"),
        (
            "rabbitmq:\n  topology:\n    queues:\n      - name: x-${Q}\n",
            "4:17",
            "Q is not set",
        ),
    ]);
    let several = faults("rabbitmq:\n  host: ${A}.${B}\n  port: ${C}\n");
    assert_eq!(several.len(), 3);
}

#[test]
fn syntax_ends_the_list_and_what_stood_before_is_told() {
    let found = lines(&faults(
        "rabbitmq:\n  usrname: x\n  topology:\n    queues:\n      - { name: ${Q:orders} }\n",
    ));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.first().unwrap().contains("usrname"), "{found:#?}");
    let syntax = found.get(1).unwrap();
    assert!(
        syntax.contains("not YAML") && syntax.contains("a placeholder needs quotes"),
        "{syntax}"
    );
    assert!(syntax.starts_with("rabbit.yml:5:"), "{syntax}");
}

#[test]
fn all_kinds_of_faults_come_in_one_error_sorted_by_place() {
    let text = "rabbitmq:\n  usrname: x\n  port: many\n  host: ${NOWHERE}\n  port: 5\n  publisher-confirms: true\n  stream.name: s\n  listener:\n    simple:\n      prefetch: -4\n      concurrency: lots\n";
    let found = faults_with(text, &[("RABBIT_FRAME_MAX", "tiny")]);
    let places: Vec<String> = found.iter().map(|fault| fault.place.to_string()).collect();
    assert_eq!(
        places,
        [
            "rabbit.yml:2:3",
            "rabbit.yml:4:9",
            "rabbit.yml:5:3",
            "rabbit.yml:6:3",
            "rabbit.yml:7:3",
            "rabbit.yml:10:17",
            "rabbit.yml:11:20",
            "environment variable RABBIT_FRAME_MAX",
        ]
    );
}

#[test]
fn everything_outside_our_sections_is_left_alone() {
    for text in [
        "spring:\n  datasource: {url: '${DB}', host: [1, 2]}\n  rabbitmq: {}\nserver: {prt: 1}\nlogging.level.root: INFO\nmy: {rabbitmqx: 1}\n",
        "spring:\n  application:\n    name: shop\nmanagement: {}\n",
        "spring: {rabbitmq: {host: h}}\nrabbit: {queue: mine}\ncache: {ttl: 5s}\n",
        "cache: {ttl: 5s}\nserver: {port: 8080}\n",
        "",
        "---\n---\n",
        "just text",
    ] {
        read(text);
    }
}

#[test]
fn a_root_that_was_forgotten_or_misspelt_is_told() {
    check(&[
        ("rabbit:\n  host: h\n", "1:1", "did you mean `rabbitmq`"),
        (
            "rabbitmqs:\n  host: h\nspring.rabbitmq.port: 1\n",
            "1:1",
            "did you mean `rabbitmq`",
        ),
        (
            "host: h\ntemplate: {exchange: e}\n",
            "1:1",
            "put it below `rabbitmq:`",
        ),
        (
            "listener.simple.prefetch: 5\n",
            "1:1",
            "put it below `rabbitmq:`",
        ),
    ]);
}
