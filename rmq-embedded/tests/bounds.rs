//! Everything the broker holds is bounded, each bound has a setting, and at the bound it does as RabbitMQ does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod client;

use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::protocol::{AMQPClass, channel, connection};
use client::{Client, DEADLINE, publish_frames};
use rmq_embedded::{Builder, EmbeddedBroker, Event};
use tokio::io::AsyncReadExt;

async fn start(builder: Builder) -> EmbeddedBroker {
    builder.start().await.unwrap()
}

fn is_blocked(class: &AMQPClass) -> bool {
    matches!(
        class,
        AMQPClass::Connection(connection::AMQPMethod::Blocked(_))
    )
}

#[tokio::test]
async fn one_client_too_many_finds_its_link_closed() {
    let broker = start(EmbeddedBroker::builder().max_connections(2)).await;
    let first = Client::connect(&broker).await;
    let _second = Client::connect(&broker).await;
    assert!(Client::raw(&broker).rest().await.is_empty(), "in memory");
    let mut third = tokio::net::TcpStream::connect(broker.address())
        .await
        .unwrap();
    let read = tokio::time::timeout(DEADLINE, third.read(&mut [0; 1])).await;
    assert_eq!(read.unwrap().unwrap(), 0, "over the port");

    drop(first);
    let gone = |event: &Event| matches!(event, Event::Disconnected);
    broker.record().wait_for(DEADLINE, gone).await.unwrap();
    Client::connect(&broker).await.open(1).await;
}

#[tokio::test]
async fn one_channel_too_many_ends_the_connection() {
    let broker = start(EmbeddedBroker::builder().channel_max(2)).await;
    let mut client = Client::connect_tuned(&broker, 2).await;
    client.open(1).await;
    client.open(2).await;
    let close = channel::AMQPMethod::Close(channel::Close::default());
    client.call(2, AMQPClass::Channel(close)).await;
    client.open(2).await;
    let open = channel::AMQPMethod::Open(channel::Open::default());
    client.send(3, AMQPClass::Channel(open)).await;
    let (code, text) = client.connection_closed().await;
    assert_eq!(code, 530, "{text}");
    assert!(text.contains("(2)"), "{text}");
}

#[tokio::test]
async fn messages_held_unacknowledged_count_against_the_memory_bound() {
    let broker = start(EmbeddedBroker::builder().memory_limit(50_000)).await;
    let mut consumer = Client::connect(&broker).await;
    consumer.open(1).await;
    consumer.queue("q", &[]).await;
    consumer.consume(1, "q", false).await;
    let mut publisher = Client::connect(&broker).await;
    publisher.open(1).await;
    publisher.publish("", "q", &"x".repeat(60_000)).await;
    assert!(is_blocked(&publisher.method(0).await));
    consumer.content(1).await;
    assert_eq!(broker.unacked_count("q"), Some(1), "the queue is empty");
    consumer.ack(1, 1, false).await;
    assert!(matches!(
        publisher.method(0).await,
        AMQPClass::Connection(connection::AMQPMethod::Unblocked(_))
    ));
}

#[tokio::test]
async fn a_publisher_that_comes_while_memory_is_full_is_blocked_after_its_first_message() {
    let broker = start(EmbeddedBroker::builder().memory_limit(50_000)).await;
    let mut first = Client::connect(&broker).await;
    first.open(1).await;
    first.queue("q", &[]).await;
    first.publish("", "q", &"x".repeat(60_000)).await;
    assert!(is_blocked(&first.method(0).await));
    let mut second = Client::connect(&broker).await;
    second.open(1).await;
    second.publish("", "q", "y").await;
    assert!(is_blocked(&second.method(0).await));
}

#[tokio::test]
async fn publishes_that_never_end_are_refused_above_the_memory_bound() {
    let broker = start(EmbeddedBroker::builder().memory_limit(100_000)).await;
    let mut client = Client::connect(&broker).await;
    let unfinished = |channel| {
        let body = vec![b'x'; 60_000];
        let mut bytes = publish_frames(channel, "", "q", &body, false, AMQPProperties::default());
        // The header claims one byte more than comes.
        let claim = 60_001_u64.to_be_bytes();
        let sent = 60_000_u64.to_be_bytes();
        let at = bytes.windows(8).position(|eight| eight == sent).unwrap();
        bytes[at..at + 8].copy_from_slice(&claim);
        bytes
    };
    for channel in [1, 2, 3] {
        client.open(channel).await;
    }
    for channel in [1, 2, 3] {
        client.send_bytes(&unfinished(channel)).await;
    }
    let (code, text) = client.connection_closed().await;
    assert_eq!((code, text.contains("100000 bytes")), (506, true), "{text}");
}

#[tokio::test]
async fn a_consumer_that_does_not_read_leaves_the_messages_in_the_queue() {
    let broker = EmbeddedBroker::start().await.unwrap();
    let mut reader = Client::connect(&broker).await;
    reader.open(1).await;
    reader.queue("q", &[]).await;
    let body = "x".repeat(100_000);
    let mut publisher = Client::connect(&broker).await;
    publisher.open(1).await;
    publisher.confirms(1).await;
    for _ in 0..100 {
        publisher.publish("", "q", &body).await;
        publisher.confirm().await;
    }
    reader.consume(1, "q", true).await;
    // Ten megabytes were there, two may wait for this client, and a quarter lies in the link.
    publisher.count("q").await;
    let left = broker.ready_count("q").unwrap();
    assert!((70..100).contains(&left), "{left} of 100");
    for _ in 0..100 {
        assert_eq!(reader.content(1).await.body.len(), body.len());
    }
    assert_eq!(broker.ready_count("q"), Some(0));
}

#[tokio::test]
async fn the_record_forgets_the_oldest_and_counts_them() {
    let broker = start(EmbeddedBroker::builder().record_capacity(5)).await;
    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    for _ in 0..20 {
        client.queue("q", &[]).await;
    }
    let record = broker.record();
    let events = record.events();
    assert_eq!(events.len(), 5);
    let newest = events.last().unwrap().sequence;
    assert_eq!(record.dropped(), newest - 5);
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_by_its_header() {
    let broker = start(EmbeddedBroker::builder().max_message_size(10)).await;
    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    client.queue("q", &[]).await;
    client.publish("", "q", "ten bytes.").await;
    assert_eq!(client.count("q").await, 1);
    let frames = publish_frames(
        1,
        "",
        "q",
        b"eleven bytes",
        false,
        AMQPProperties::default(),
    );
    client.send_bytes(&frames).await;
    let (code, text) = client.channel_closed(1).await;
    assert_eq!(code, 406, "{text}");
}
