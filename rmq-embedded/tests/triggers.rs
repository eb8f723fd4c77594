//! When a fault strikes, and the faults that end a link or silence it: each point, each condition.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod client;

use amq_protocol::frame::AMQPFrame;
use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::protocol::{AMQPClass, basic, channel, queue};
use client::{Client, DEADLINE, durable, encode};
use rmq_embedded::{EmbeddedBroker, Event};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A broker with queue `q` and a client in confirm mode on channel 1.
async fn ready() -> (EmbeddedBroker, Client) {
    let broker = EmbeddedBroker::start().await.unwrap();
    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    client.queue("q", &[]).await;
    client.confirms(1).await;
    (broker, client)
}

async fn store(client: &mut Client, bodies: &[&str]) {
    for body in bodies {
        client.publish("", "q", body).await;
        client.confirm().await;
    }
}

/// Bytes that are the beginning of this frame, and neither nothing nor all of it.
fn is_torn(bytes: &[u8], class: AMQPClass) -> bool {
    let whole = encode(&AMQPFrame::Method(1, class));
    !bytes.is_empty() && bytes.len() < whole.len() && whole.starts_with(bytes)
}

#[tokio::test]
async fn a_link_is_cut_in_the_middle_of_a_confirm_a_delivery_and_an_answer() {
    let (broker, mut client) = ready().await;
    broker.on_publish().cut_in_confirm();
    client.publish("", "q", "torn").await;
    let ack = basic::Ack {
        delivery_tag: 1,
        multiple: false,
    };
    let ack = AMQPClass::Basic(basic::AMQPMethod::Ack(ack));
    assert!(is_torn(&client.rest().await, ack));
    assert_eq!(broker.ready_count("q"), Some(1), "it was stored");

    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    broker.on_delivery().cut_in_frame();
    let consume = basic::Consume {
        queue: "q".into(),
        consumer_tag: "c".into(),
        nowait: true,
        ..Default::default()
    };
    client
        .send(1, AMQPClass::Basic(basic::AMQPMethod::Consume(consume)))
        .await;
    let deliver = basic::Deliver {
        consumer_tag: "c".into(),
        delivery_tag: 1,
        redelivered: false,
        exchange: "".into(),
        routing_key: "q".into(),
    };
    let deliver = AMQPClass::Basic(basic::AMQPMethod::Deliver(deliver));
    assert!(is_torn(&client.rest().await, deliver));
    assert_eq!(broker.ready_count("q"), Some(1), "it is back");

    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    broker.on_method("queue.purge").cut_in_answer();
    let purge = queue::Purge {
        queue: "q".into(),
        nowait: false,
    };
    client
        .send(1, AMQPClass::Queue(queue::AMQPMethod::Purge(purge)))
        .await;
    let ok = queue::AMQPMethod::PurgeOk(queue::PurgeOk { message_count: 1 });
    assert!(is_torn(&client.rest().await, AMQPClass::Queue(ok)));
    assert_eq!(broker.ready_count("q"), Some(0), "it was carried out");
}

#[tokio::test]
async fn a_link_is_cut_behind_a_delivery_an_ack_and_before_an_answer() {
    let (broker, mut client) = ready().await;
    store(&mut client, &["1"]).await;
    broker.on_delivery().cut_after();
    client.consume(1, "q", false).await;
    assert_eq!(client.content(1).await.text(), "1");
    client.closed().await;
    assert_eq!(broker.ready_count("q"), Some(1), "it is back");

    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    broker.on_ack().cut_after();
    client.consume(1, "q", false).await;
    client.content(1).await;
    client.ack(1, 1, false).await;
    client.closed().await;
    assert_eq!(
        (broker.ready_count("q"), broker.unacked_count("q")),
        (Some(0), Some(0)),
        "the ack was carried out"
    );

    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    broker.on_method("queue.declare").cut_before_answer();
    let declare = queue::AMQPMethod::Declare(durable("new", &[]));
    client.send(1, AMQPClass::Queue(declare)).await;
    assert!(client.rest().await.is_empty());
    assert_eq!(broker.ready_count("new"), Some(0), "it was carried out");
}

#[tokio::test]
async fn a_reset_is_seen_as_one_over_tcp() {
    let broker = EmbeddedBroker::start().await.unwrap();
    broker.on_method("connection.start_ok").reset();
    let mut stream = tokio::net::TcpStream::connect(broker.address())
        .await
        .unwrap();
    stream.write_all(b"AMQP\x00\x00\x09\x01").await.unwrap();
    stream.read_exact(&mut [0; 7]).await.unwrap();
    let start_ok = amq_protocol::protocol::connection::StartOk {
        mechanism: "PLAIN".into(),
        response: "\0guest\0guest".into(),
        ..Default::default()
    };
    let start_ok = amq_protocol::protocol::connection::AMQPMethod::StartOk(start_ok);
    let bytes = encode(&AMQPFrame::Method(0, AMQPClass::Connection(start_ok)));
    stream.write_all(&bytes).await.unwrap();
    let mut rest = Vec::new();
    let read = stream.read_to_end(&mut rest);
    let error = tokio::time::timeout(DEADLINE, read)
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_client_that_is_not_read_from_is_still_written_to() {
    let (broker, mut client) = ready().await;
    broker.on_publish().stop_reading();
    client.publish("", "q", "1").await;
    assert_eq!(client.confirm().await, (true, 1, false), "carried out");
    client.publish("", "q", "2").await;
    let mut other = Client::connect(&broker).await;
    other.open(1).await;
    assert_eq!(other.count("q").await, 1, "the second was not read");
    broker.read_again();
    assert_eq!(client.confirm().await, (true, 2, false));
}

#[tokio::test]
async fn a_fault_strikes_from_the_nth_time_on_as_often_as_it_is_told() {
    let (broker, mut client) = ready().await;
    let nacks = broker.on_publish().nth(2).times(2).nack();
    for (tag, ack) in [(1, true), (2, false), (3, false), (4, true)] {
        client.publish("", "q", "x").await;
        assert_eq!(client.confirm().await, (ack, tag, false));
    }
    assert_eq!(nacks.fired(), 2);

    let ignored = broker.on_ack().nth(2).ignore();
    client.open(2).await;
    client.consume(2, "q", false).await;
    for tag in [1, 2] {
        client.content(2).await;
        client.ack(2, tag, false).await;
    }
    client.count("q").await;
    assert_eq!((ignored.fired(), broker.unacked_count("q")), (1, Some(1)));
    let close = channel::AMQPMethod::Close(channel::Close::default());
    client.call(2, AMQPClass::Channel(close)).await;

    broker
        .on_method("queue.declare")
        .nth(2)
        .close_channel(404, "as scripted");
    client.count("q").await;
    let declare = queue::AMQPMethod::Declare(durable("q", &[]));
    client.send(1, AMQPClass::Queue(declare)).await;
    assert_eq!(client.channel_closed(1).await.0, 404);

    let every = broker.on_publish().every_time().nack();
    client.open(1).await;
    client.confirms(1).await;
    for tag in 1..=5 {
        client.publish("", "q", "x").await;
        assert_eq!(client.confirm().await, (false, tag, false));
    }
    assert_eq!(every.fired(), 5);
    every.remove();
    assert_eq!(every.fired(), 0);
    client.publish("", "q", "x").await;
    assert_eq!(client.confirm().await, (true, 6, false));
}

#[tokio::test]
async fn a_fault_strikes_only_on_its_channel_connection_exchange_key_and_queue() {
    let (broker, mut client) = ready().await;
    client.queue("other", &[]).await;
    client.bind("other", "amq.direct", "k").await;
    client.bind("q", "amq.direct", "k").await;
    let mut expect = async |fault: rmq_embedded::Fault, exchange: &str, key: &str, struck: bool| {
        client.publish(exchange, key, "x").await;
        let (ack, ..) = client.confirm().await;
        assert_eq!((ack, fault.fired()), (!struck, u64::from(struck)));
        fault.remove();
    };
    let on = || broker.on_publish();
    expect(on().on_channel(1).nack(), "", "q", true).await;
    expect(on().on_channel(2).nack(), "", "q", false).await;
    expect(on().to_exchange("").nack(), "", "q", true).await;
    expect(on().to_exchange("amq.direct").nack(), "", "q", false).await;
    expect(on().with_key("k").nack(), "amq.direct", "k", true).await;
    expect(on().with_key("k").nack(), "", "q", false).await;
    expect(on().to_queue("other").nack(), "amq.direct", "k", true).await;
    expect(on().to_queue("other").nack(), "", "q", false).await;
    expect(on().on_connection_named("me").nack(), "", "q", false).await;

    let fault = on().on_connection_named("me").nack();
    let mut named = Client::connect_named(&broker, "me").await;
    named.open(1).await;
    named.confirms(1).await;
    named.publish("", "q", "x").await;
    assert_eq!(named.confirm().await, (false, 1, false));
    assert_eq!(fault.fired(), 1);

    let fault = broker.on_delivery().from_queue("other").withhold();
    named.consume(1, "q", false).await;
    named.content(1).await;
    assert_eq!(fault.fired(), 0);
}

#[tokio::test]
async fn channel_and_connection_are_closed_at_a_delivery_and_at_an_ack() {
    let (broker, mut client) = ready().await;
    store(&mut client, &["1"]).await;
    broker.on_delivery().close_channel(311, "as scripted");
    client.consume(1, "q", false).await;
    client.content(1).await;
    let told = (311, "CONTENT_TOO_LARGE - as scripted".to_owned());
    assert_eq!(client.channel_closed(1).await, told);
    assert_eq!(broker.ready_count("q"), Some(1));

    client.open(1).await;
    broker.on_ack().close_channel(406, "as scripted");
    client.consume(1, "q", false).await;
    client.content(1).await;
    client.ack(1, 1, false).await;
    assert_eq!(client.channel_closed(1).await.0, 406);
    assert_eq!(broker.ready_count("q"), Some(1), "it was not carried out");

    client.open(1).await;
    broker.on_ack().close_connection(320, "as scripted");
    client.consume(1, "q", false).await;
    client.content(1).await;
    client.ack(1, 1, false).await;
    assert_eq!(client.connection_closed().await.0, 320);
}

#[tokio::test]
async fn a_broker_is_killed_at_a_publish_and_comes_back_with_what_it_kept() {
    let (broker, mut client) = ready().await;
    let persistent = AMQPProperties::default().with_delivery_mode(2);
    client
        .publish_with("", "q", "kept", false, persistent.clone())
        .await;
    client.confirm().await;
    broker.on_publish().kill();
    client
        .publish_with("", "q", "lost", false, persistent)
        .await;
    client.closed().await;
    let killed = |event: &Event| matches!(event, Event::Killed);
    broker.record().wait_for(DEADLINE, killed).await.unwrap();
    broker.restart().await.unwrap();
    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    assert_eq!(client.get("q").await.unwrap().text(), "kept");
    assert!(client.get("q").await.is_none());
}

#[tokio::test]
async fn all_links_are_cut_and_all_connections_closed_by_the_test() {
    let (broker, mut client) = ready().await;
    broker.cut_all();
    assert!(client.rest().await.is_empty());
    let mut client = Client::connect(&broker).await;
    broker.close_all(320, "maintenance");
    let told = (320, "CONNECTION_FORCED - maintenance".to_owned());
    assert_eq!(client.connection_closed().await, told);
}
