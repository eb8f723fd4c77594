//! The first things a client does: connect, declare, publish, confirm, fetch, consume, settle.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod client;

use amq_protocol::protocol::basic::{self, AMQPProperties};
use amq_protocol::protocol::{AMQPClass, queue};
use client::{Client, durable, int, text};
use rmq_embedded::EmbeddedBroker;

async fn ready() -> (EmbeddedBroker, Client) {
    let broker = EmbeddedBroker::start().await.unwrap();
    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    (broker, client)
}

#[tokio::test]
async fn a_message_goes_through_the_default_exchange() {
    let (_broker, mut client) = ready().await;
    client.queue("q", &[]).await;
    client.publish("", "q", "hello").await;
    assert_eq!(client.count("q").await, 1);
    assert_eq!(client.get("q").await.unwrap().text(), "hello");
    assert!(client.get("q").await.is_none());
}

#[tokio::test]
async fn a_large_body_is_cut_into_frames_and_comes_whole() {
    let (_broker, mut client) = ready().await;
    client.queue("q", &[]).await;
    for size in [131_063, 131_064, 131_065, 1_000_000] {
        let body = "x".repeat(size);
        client
            .consume_with(1, "q", &format!("c{size}"), true, &[])
            .await;
        client.publish("", "q", &body).await;
        assert_eq!(client.content(1).await.body.len(), size);
    }
}

#[tokio::test]
async fn a_return_comes_before_its_confirm() {
    let (_broker, mut client) = ready().await;
    client.confirms(1).await;
    client
        .publish_with("", "nowhere", "lost", true, AMQPProperties::default())
        .await;
    let returned = client.content(1).await;
    match returned.method {
        basic::AMQPMethod::Return(parts) => {
            assert_eq!(
                (parts.reply_code, parts.reply_text.as_str()),
                (312, "NO_ROUTE")
            );
        }
        other => panic!("not a return: {other:?}"),
    }
    assert_eq!(client.confirm().await, (true, 1, false));
}

#[tokio::test]
async fn prefetch_bounds_what_a_consumer_holds() {
    let (_broker, mut client) = ready().await;
    client.queue("q", &[]).await;
    for n in 0..3 {
        client.publish("", "q", &n.to_string()).await;
    }
    client.qos(1, 2, false).await;
    client.consume(1, "q", false).await;
    assert_eq!(client.content(1).await.text(), "0");
    assert_eq!(client.content(1).await.text(), "1");
    assert_eq!(client.count("q").await, 1);
    client.ack(1, 2, true).await;
    assert_eq!(client.content(1).await.delivery().delivery_tag, 3);
}

#[tokio::test]
async fn what_a_closed_channel_held_comes_back_in_its_place_marked_redelivered() {
    let (_broker, mut client) = ready().await;
    client.queue("q", &[]).await;
    for n in 0..3 {
        client.publish("", "q", &n.to_string()).await;
    }
    client.open(2).await;
    client.qos(2, 2, false).await;
    client.consume(2, "q", false).await;
    client.content(2).await;
    client.content(2).await;
    let close = amq_protocol::protocol::channel::Close {
        reply_code: 200,
        reply_text: "done".into(),
        class_id: 0,
        method_id: 0,
    };
    client
        .call(
            2,
            AMQPClass::Channel(amq_protocol::protocol::channel::AMQPMethod::Close(close)),
        )
        .await;
    for n in 0..3 {
        let got = client.get("q").await.unwrap();
        let redelivered = match got.method {
            basic::AMQPMethod::GetOk(ref ok) => ok.redelivered,
            ref other => panic!("not get-ok: {other:?}"),
        };
        assert_eq!((got.text(), redelivered), (n.to_string().as_str(), n < 2));
    }
}

#[tokio::test]
async fn exchanges_route_by_their_kind() {
    let (_broker, mut client) = ready().await;
    for (exchange, kind, key, hit, miss) in [
        ("d", "direct", "a", "a", "b"),
        ("t", "topic", "a.*", "a.x", "b.x"),
        ("f", "fanout", "", "anything", ""),
    ] {
        client.exchange(exchange, kind).await;
        client.queue(exchange, &[]).await;
        client.bind(exchange, exchange, key).await;
        client.publish(exchange, hit, "hit").await;
        assert_eq!(client.count(exchange).await, 1, "{kind}");
        if !miss.is_empty() {
            client.publish(exchange, miss, "miss").await;
            assert_eq!(client.count(exchange).await, 1, "{kind}");
        }
    }
}

#[tokio::test]
async fn a_missing_exchange_closes_the_channel_with_404() {
    let (_broker, mut client) = ready().await;
    client.publish("gone", "k", "x").await;
    let closed = client.channel_closed(1).await;
    assert_eq!(
        closed,
        (
            404,
            "NOT_FOUND - no exchange 'gone' in vhost '/'".to_owned()
        )
    );
    client.open(1).await;
}

#[tokio::test]
async fn a_second_declaration_that_differs_is_406_with_both_values() {
    let (_broker, mut client) = ready().await;
    client.queue("q", &[("x-message-ttl", int(1000))]).await;
    let other = durable("q", &[("x-message-ttl", int(2000))]);
    client
        .send(1, AMQPClass::Queue(queue::AMQPMethod::Declare(other)))
        .await;
    assert_eq!(
        client.channel_closed(1).await.1,
        "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': \
         received '2000' but current is '1000'"
    );
    client.open(1).await;
    client
        .send(
            1,
            AMQPClass::Queue(queue::AMQPMethod::Declare(durable("q", &[]))),
        )
        .await;
    assert_eq!(
        client.channel_closed(1).await.1,
        "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': \
         received none but current is the value '1000' of type 'signedint'"
    );
}

#[tokio::test]
async fn a_reply_reaches_the_channel_that_asked() {
    let (broker, mut client) = ready().await;
    client.consume(1, "amq.rabbitmq.reply-to", true).await;
    let mut server = Client::connect(&broker).await;
    server.open(1).await;
    server.queue("rpc", &[]).await;
    let ask = AMQPProperties::default().with_reply_to("amq.rabbitmq.reply-to".into());
    client.publish_with("", "rpc", "question", false, ask).await;
    server.consume(1, "rpc", true).await;
    let question = server.content(1).await;
    let address = question.properties.reply_to().clone().unwrap();
    assert!(
        address.as_str().starts_with("amq.rabbitmq.reply-to."),
        "{address}"
    );
    server.publish("", address.as_str(), "answer").await;
    let answer = client.content(1).await;
    assert_eq!(
        (answer.text(), answer.delivery().routing_key.as_str()),
        ("answer", address.as_str())
    );
}

#[tokio::test]
async fn wrong_credentials_are_told_as_rabbitmq_tells_them() {
    let broker = EmbeddedBroker::start().await.unwrap();
    let mut client = Client::raw(&broker);
    client.send_bytes(b"AMQP\x00\x00\x09\x01").await;
    client.next().await;
    client.start_ok("PLAIN", "\0guest\0wrong").await;
    let (code, told) = client.connection_closed().await;
    assert_eq!(code, 403);
    assert!(
        told.starts_with("ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN")
    );
    client.closed().await;
}

#[tokio::test]
async fn a_deleted_queue_cancels_its_consumers() {
    let (_broker, mut client) = ready().await;
    client
        .queue("q", &[("x-queue-type", text("classic"))])
        .await;
    client.consume(1, "q", false).await;
    let delete = queue::Delete {
        queue: "q".into(),
        if_unused: false,
        if_empty: false,
        nowait: false,
    };
    client
        .send(1, AMQPClass::Queue(queue::AMQPMethod::Delete(delete)))
        .await;
    match client.method(1).await {
        AMQPClass::Basic(basic::AMQPMethod::Cancel(cancel)) => {
            assert_eq!(cancel.consumer_tag.as_str(), "q");
        }
        other => panic!("not cancelled: {other:?}"),
    }
}
