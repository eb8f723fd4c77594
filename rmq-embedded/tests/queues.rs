//! What a queue's arguments do: time, length, priorities, dead letters, quorum, single active consumer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod client;

use std::time::Duration;

use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::protocol::{AMQPClass, queue};
use amq_protocol::types::AMQPValue;
use client::{Client, DEADLINE, durable, int, text};
use rmq_embedded::{EmbeddedBroker, Event};

async fn ready() -> (EmbeddedBroker, Client) {
    let broker = EmbeddedBroker::start().await.unwrap();
    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    (broker, client)
}

/// A queue whose dead letters go to the queue `dead`.
async fn with_dead(client: &mut Client, name: &str, more: &[(&str, AMQPValue)]) {
    client.queue("dead", &[]).await;
    let mut arguments = vec![
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text("dead")),
    ];
    arguments.extend_from_slice(more);
    client.queue(name, &arguments).await;
}

async fn died(broker: &EmbeddedBroker, why: &'static str) {
    let dead =
        |event: &Event| matches!(event, Event::DeadLettered { reason, .. } if *reason == why);
    broker.record().wait_for(DEADLINE, dead).await.unwrap();
}

/// Count, reason and queue of the newest death.
fn newest_death(message: &client::Content) -> (i64, String, String) {
    let Some(AMQPValue::FieldArray(deaths)) = message.header("x-death") else {
        panic!("no x-death in {message:?}");
    };
    let AMQPValue::FieldTable(death) = &deaths.as_slice()[0] else {
        panic!("no table")
    };
    let text = |key: &str| match &death.inner()[key] {
        AMQPValue::LongString(text) => text.to_string(),
        other => panic!("{key} is {other:?}"),
    };
    let AMQPValue::LongLongInt(count) = death.inner()["count"] else {
        panic!("no count")
    };
    (count, text("reason"), text("queue"))
}

#[tokio::test]
async fn a_rejected_message_is_dead_lettered_with_its_death_told() {
    let (_broker, mut client) = ready().await;
    with_dead(&mut client, "q", &[]).await;
    client.publish("", "q", "bad").await;
    client.consume(1, "q", false).await;
    client.content(1).await;
    client.nack(1, 1, false).await;
    let dead = client.get("dead").await.unwrap();
    assert_eq!(dead.text(), "bad");
    assert_eq!(
        newest_death(&dead),
        (1, "rejected".to_owned(), "q".to_owned())
    );
    assert_eq!(dead.header("x-first-death-reason"), Some(&text("rejected")));
    assert_eq!(dead.header("x-first-death-queue"), Some(&text("q")));
    assert_eq!(dead.header("x-last-death-queue"), Some(&text("q")));
}

#[tokio::test]
async fn a_second_death_of_the_same_kind_is_counted() {
    let (_broker, mut client) = ready().await;
    with_dead(&mut client, "q", &[]).await;
    client.publish("", "q", "bad").await;
    for _ in 0..2 {
        let got = client.get_with("q", false).await.unwrap();
        let tag = match got.method {
            amq_protocol::protocol::basic::AMQPMethod::GetOk(ok) => ok.delivery_tag,
            other => panic!("{other:?}"),
        };
        client.nack(1, tag, false).await;
        let dead = client.get("dead").await.unwrap();
        let count = newest_death(&dead).0;
        if count == 2 {
            return;
        }
        client
            .publish_with("", "q", dead.text(), false, dead.properties.clone())
            .await;
    }
    panic!("the second death was not counted");
}

#[tokio::test]
async fn a_message_expires_by_its_own_or_its_queues_time() {
    let (broker, mut client) = ready().await;
    with_dead(&mut client, "q", &[("x-message-ttl", int(30))]).await;
    client.publish("", "q", "by queue").await;
    died(&broker, "expired").await;
    let dead = client.get("dead").await.unwrap();
    assert_eq!(
        newest_death(&dead),
        (1, "expired".to_owned(), "q".to_owned())
    );
    with_dead(&mut client, "r", &[]).await;
    broker.record().clear();
    let own = AMQPProperties::default().with_expiration("20".into());
    client.publish_with("", "r", "by itself", false, own).await;
    died(&broker, "expired").await;
    let dead = client.get("dead").await.unwrap();
    assert_eq!(dead.properties.expiration(), &None, "the expiration goes");
    let Some(AMQPValue::FieldArray(deaths)) = dead.header("x-death") else {
        panic!("no x-death")
    };
    let AMQPValue::FieldTable(death) = &deaths.as_slice()[0] else {
        panic!("no table")
    };
    assert_eq!(death.inner()["original-expiration"], text("20"));
}

#[tokio::test]
async fn a_message_without_time_still_reaches_a_waiting_consumer() {
    let (_broker, mut client) = ready().await;
    client.queue("q", &[("x-message-ttl", int(0))]).await;
    client.publish("", "q", "too early").await;
    client.consume(1, "q", true).await;
    client.publish("", "q", "in time").await;
    assert_eq!(client.content(1).await.text(), "in time");
}

#[tokio::test]
async fn an_unused_queue_expires() {
    let (broker, mut client) = ready().await;
    client.queue("q", &[("x-expires", int(30))]).await;
    let gone = async {
        while broker.ready_count("q").is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, gone)
        .await
        .expect("the queue stayed");
}

#[tokio::test]
async fn a_full_queue_drops_its_head() {
    let (_broker, mut client) = ready().await;
    with_dead(&mut client, "q", &[("x-max-length", int(2))]).await;
    for body in ["1", "2", "3"] {
        client.publish("", "q", body).await;
    }
    let dead = client.get("dead").await.unwrap();
    assert_eq!(
        (dead.text(), newest_death(&dead).1.as_str()),
        ("1", "maxlen")
    );
    assert_eq!(client.get("q").await.unwrap().text(), "2");
}

#[tokio::test]
async fn a_full_queue_refuses_a_publish_with_a_nack() {
    let (_broker, mut client) = ready().await;
    client
        .queue(
            "q",
            &[
                ("x-max-length", int(1)),
                ("x-overflow", text("reject-publish")),
            ],
        )
        .await;
    client.confirms(1).await;
    client.publish("", "q", "1").await;
    assert_eq!(client.confirm().await, (true, 1, false));
    client.publish("", "q", "2").await;
    assert_eq!(client.confirm().await, (false, 2, false));
    assert_eq!(client.count("q").await, 1);
}

#[tokio::test]
async fn dead_letter_queues_in_a_ring_drop_what_expires() {
    let (broker, mut client) = ready().await;
    let to = |key| {
        [
            ("x-dead-letter-exchange", text("")),
            ("x-dead-letter-routing-key", text(key)),
        ]
    };
    for (name, next) in [("a", "b"), ("b", "a")] {
        let mut arguments = to(next).to_vec();
        arguments.push(("x-message-ttl", int(10)));
        client.queue(name, &arguments).await;
    }
    client.publish("", "a", "x").await;
    let dead = |event: &Event| matches!(event, Event::DeadLettered { .. });
    broker
        .record()
        .wait_for_count(DEADLINE, 2, dead)
        .await
        .unwrap();
    assert_eq!((client.count("a").await, client.count("b").await), (0, 0));
}

#[tokio::test]
async fn higher_priorities_go_first() {
    let (_broker, mut client) = ready().await;
    client.queue("q", &[("x-max-priority", int(5))]).await;
    for (priority, body) in [(0, "low"), (9, "capped"), (5, "high"), (3, "middle")] {
        let properties = AMQPProperties::default().with_priority(priority);
        client.publish_with("", "q", body, false, properties).await;
    }
    for body in ["capped", "high", "middle", "low"] {
        assert_eq!(client.get("q").await.unwrap().text(), body);
    }
}

#[tokio::test]
async fn one_consumer_is_active_until_it_goes() {
    let (_broker, mut client) = ready().await;
    client.open(2).await;
    client
        .queue(
            "q",
            &[("x-single-active-consumer", AMQPValue::Boolean(true))],
        )
        .await;
    client.consume_with(1, "q", "first", false, &[]).await;
    client.consume_with(2, "q", "second", true, &[]).await;
    client.publish("", "q", "1").await;
    client.publish("", "q", "2").await;
    client.content(1).await;
    client.content(1).await;
    let close = amq_protocol::protocol::channel::Close {
        reply_code: 200,
        reply_text: "".into(),
        class_id: 0,
        method_id: 0,
    };
    let close = amq_protocol::protocol::channel::AMQPMethod::Close(close);
    client.send(1, AMQPClass::Channel(close)).await;
    for body in ["1", "2"] {
        let got = client.content(2).await;
        assert_eq!((got.text(), got.delivery().redelivered), (body, true));
    }
}

#[tokio::test]
async fn a_quorum_queue_counts_returns_and_gives_up_at_its_limit() {
    let (broker, mut client) = ready().await;
    let quorum = [
        ("x-queue-type", text("quorum")),
        ("x-delivery-limit", int(2)),
    ];
    with_dead(&mut client, "q", &quorum).await;
    client.publish("", "q", "poison").await;
    client.consume(1, "q", false).await;
    for returned in 0..3 {
        let got = client.content(1).await;
        let expected = (returned > 0).then_some(AMQPValue::LongLongInt(returned));
        assert_eq!(got.header("x-delivery-count"), expected.as_ref());
        client.nack(1, got.delivery().delivery_tag, true).await;
    }
    died(&broker, "delivery_limit").await;
    let dead = client.get("dead").await.unwrap();
    assert_eq!(
        newest_death(&dead),
        (1, "delivery_limit".to_owned(), "q".to_owned())
    );
}

#[tokio::test]
async fn a_quorum_queue_without_a_limit_has_the_brokers_default() {
    let broker = EmbeddedBroker::builder()
        .default_delivery_limit(2)
        .start()
        .await
        .unwrap();
    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    client.queue("q", &[("x-queue-type", text("quorum"))]).await;
    client.publish("", "q", "poison").await;
    client.consume(1, "q", false).await;
    for returns in 0..=2 {
        let got = client.content(1).await;
        let tag = got.delivery().delivery_tag;
        assert_eq!(tag, returns + 1);
        client.nack(1, tag, true).await;
    }
    died(&broker, "delivery_limit").await;
    assert_eq!(broker.ready_count("q"), Some(0));
}

#[tokio::test]
async fn at_least_once_keeps_a_dead_letter_until_a_queue_takes_it() {
    let (broker, mut client) = ready().await;
    client
        .queue(
            "q",
            &[
                ("x-queue-type", text("quorum")),
                ("x-dead-letter-exchange", text("")),
                ("x-dead-letter-routing-key", text("late")),
                ("x-dead-letter-strategy", text("at-least-once")),
                ("x-overflow", text("reject-publish")),
            ],
        )
        .await;
    client.publish("", "q", "kept").await;
    client.consume(1, "q", false).await;
    client.content(1).await;
    client.nack(1, 1, false).await;
    died(&broker, "rejected").await;
    client.queue("late", &[]).await;
    client.consume(1, "late", true).await;
    assert_eq!(client.content(1).await.text(), "kept");
}

#[tokio::test]
async fn consumers_of_higher_priority_go_first() {
    let (_broker, mut client) = ready().await;
    client.queue("q", &[]).await;
    client.qos(1, 1, false).await;
    client
        .consume_with(1, "q", "low", false, &[("x-priority", int(1))])
        .await;
    client
        .consume_with(1, "q", "high", false, &[("x-priority", int(9))])
        .await;
    client.publish("", "q", "1").await;
    client.publish("", "q", "2").await;
    assert_eq!(
        client.content(1).await.delivery().consumer_tag.as_str(),
        "high"
    );
    assert_eq!(
        client.content(1).await.delivery().consumer_tag.as_str(),
        "low"
    );
}

#[tokio::test]
async fn an_exclusive_queue_is_locked_for_others_and_goes_with_its_connection() {
    let (broker, mut client) = ready().await;
    let exclusive = queue::Declare {
        exclusive: true,
        ..durable("mine", &[])
    };
    client.declare(1, exclusive).await;
    let mut other = Client::connect(&broker).await;
    other.open(1).await;
    let passive = queue::Declare {
        passive: true,
        ..durable("mine", &[])
    };
    other
        .send(1, AMQPClass::Queue(queue::AMQPMethod::Declare(passive)))
        .await;
    let (code, told) = other.channel_closed(1).await;
    assert_eq!(code, 405);
    assert!(told.starts_with(
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'mine' in vhost '/'."
    ));
    drop(client);
    let gone = |event: &Event| matches!(event, Event::Disconnected);
    broker.record().wait_for(DEADLINE, gone).await.unwrap();
    assert_eq!(broker.ready_count("mine"), None);
}

#[tokio::test]
async fn an_alternate_exchange_takes_what_nothing_else_takes() {
    let (_broker, mut client) = ready().await;
    client.exchange("spare", "fanout").await;
    client
        .exchange_with("main", "direct", &[("alternate-exchange", text("spare"))])
        .await;
    client.queue("caught", &[]).await;
    client.bind("caught", "spare", "").await;
    client.confirms(1).await;
    client
        .publish_with("main", "nobody", "x", true, AMQPProperties::default())
        .await;
    assert_eq!(
        client.confirm().await,
        (true, 1, false),
        "it was routed, so nothing is returned"
    );
    assert_eq!(client.count("caught").await, 1);
}
