//! Every fault does what it says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod client;

use std::time::Duration;

use amq_protocol::frame::AMQPFrame;
use amq_protocol::protocol::basic::{self, AMQPProperties};
use amq_protocol::protocol::{AMQPClass, connection, queue};
use client::{Client, DEADLINE, durable};
use rmq_embedded::{EmbeddedBroker, Event};
use tokio::io::AsyncReadExt;

/// A broker with queue `q` and a client in confirm mode on channel 1.
async fn ready() -> (EmbeddedBroker, Client) {
    let broker = EmbeddedBroker::start().await.unwrap();
    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    client.queue("q", &[]).await;
    client.confirms(1).await;
    (broker, client)
}

fn persistent() -> AMQPProperties {
    AMQPProperties::default().with_delivery_mode(2)
}

#[tokio::test]
async fn a_link_cut_before_storing_loses_the_message_and_keeps_earlier_confirms() {
    let (broker, mut client) = ready().await;
    let fault = broker
        .on_publish()
        .to_queue("q")
        .nth(2)
        .cut_before_storing();
    client.publish("", "q", "1").await;
    client.publish("", "q", "2").await;
    assert_eq!(client.confirm().await, (true, 1, false));
    client.closed().await;
    assert_eq!((fault.fired(), broker.ready_count("q")), (1, Some(1)));
}

#[tokio::test]
async fn a_link_cut_after_storing_keeps_the_message_without_a_confirm() {
    let (broker, mut client) = ready().await;
    broker.on_publish().with_key("q").cut_after_storing();
    client.publish("", "q", "1").await;
    assert!(client.try_next().await.is_none());
    assert_eq!(broker.ready_count("q"), Some(1));
}

#[tokio::test]
async fn a_link_cut_after_the_return_never_confirms() {
    let (broker, mut client) = ready().await;
    broker.on_publish().cut_after_return();
    client
        .publish_with("", "nowhere", "1", true, AMQPProperties::default())
        .await;
    assert!(matches!(
        client.content(1).await.method,
        basic::AMQPMethod::Return(_)
    ));
    assert!(client.try_next().await.is_none());
}

#[tokio::test]
async fn a_link_cut_inside_a_confirm_leaves_half_a_frame() {
    let broker = EmbeddedBroker::start().await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(broker.address())
        .await
        .unwrap();
    broker.on_method("channel.open").cut_in_answer();
    // The same bytes a client would send, without waiting for the answers.
    let mut bytes = b"AMQP\x00\x00\x09\x01".to_vec();
    let mut push =
        |channel, class| bytes.extend(client::encode(&AMQPFrame::Method(channel, class)));
    let start_ok = connection::StartOk {
        client_properties: Default::default(),
        mechanism: "PLAIN".into(),
        response: "\0guest\0guest".into(),
        locale: "en_US".into(),
    };
    push(
        0,
        AMQPClass::Connection(connection::AMQPMethod::StartOk(start_ok)),
    );
    let tune = connection::TuneOk {
        channel_max: 10,
        frame_max: 4096,
        heartbeat: 0,
    };
    push(
        0,
        AMQPClass::Connection(connection::AMQPMethod::TuneOk(tune)),
    );
    let open = connection::Open {
        virtual_host: "/".into(),
    };
    push(0, AMQPClass::Connection(connection::AMQPMethod::Open(open)));
    let open = amq_protocol::protocol::channel::AMQPMethod::Open(Default::default());
    push(1, AMQPClass::Channel(open));
    tokio::io::AsyncWriteExt::write_all(&mut stream, &bytes)
        .await
        .unwrap();
    let mut all = Vec::new();
    tokio::time::timeout(DEADLINE, stream.read_to_end(&mut all))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        &all[all.len() - 8..],
        &[1, 0, 1, 0, 0, 0, 8, 0],
        "half of channel.open-ok: {all:?}"
    );
}

#[tokio::test]
async fn confirms_can_be_withheld_held_and_delayed() {
    let (broker, mut client) = ready().await;
    broker.on_publish().withhold_confirm();
    broker.on_publish().nth(2).hold_confirm();
    broker
        .on_publish()
        .nth(3)
        .delay_confirm(Duration::from_millis(20));
    for body in ["withheld", "held", "delayed"] {
        client.publish("", "q", body).await;
    }
    assert_eq!(client.confirm().await, (true, 3, false));
    broker.release_confirms();
    assert_eq!(client.confirm().await, (true, 2, false));
    assert_eq!(
        client.count("q").await,
        3,
        "the answer to this comes next: no ack for tag 1"
    );
}

#[tokio::test]
async fn confirms_can_be_gathered_and_reversed() {
    let (broker, mut client) = ready().await;
    broker.on_publish().gather_confirms(3);
    for _ in 0..3 {
        client.publish("", "q", "x").await;
    }
    assert_eq!(client.confirm().await, (true, 3, true));
    broker.on_publish().reverse_confirms(3);
    for _ in 0..3 {
        client.publish("", "q", "x").await;
    }
    for tag in [6, 5, 4] {
        assert_eq!(client.confirm().await, (true, tag, false));
    }
}

#[tokio::test]
async fn a_return_whose_ack_comes_in_a_cumulative_confirm() {
    let (broker, mut client) = ready().await;
    broker.on_publish().gather_confirms(3);
    client
        .publish_with("", "q", "1", true, AMQPProperties::default())
        .await;
    client
        .publish_with("", "nowhere", "2", true, AMQPProperties::default())
        .await;
    client
        .publish_with("", "q", "3", true, AMQPProperties::default())
        .await;
    assert_eq!(client.content(1).await.text(), "2");
    assert_eq!(client.confirm().await, (true, 3, true));
}

#[tokio::test]
async fn publishes_can_be_nacked_and_returned() {
    let (broker, mut client) = ready().await;
    broker.on_publish().nack();
    client.publish("", "q", "nacked").await;
    assert_eq!(
        (client.confirm().await, client.count("q").await),
        ((false, 1, false), 0)
    );
    broker.on_publish().nack_after_storing();
    client.publish("", "q", "nacked, but stored").await;
    assert_eq!(
        (client.confirm().await, client.count("q").await),
        ((false, 2, false), 1)
    );
    broker.on_publish().return_it();
    client.publish("", "q", "returned").await;
    assert_eq!(client.content(1).await.text(), "returned");
    assert_eq!(
        (client.confirm().await, client.count("q").await),
        ((true, 3, false), 1)
    );
    broker.on_publish().return_without_ack();
    client.publish("", "q", "returned").await;
    assert_eq!(client.content(1).await.text(), "returned");
    assert_eq!(client.count("q").await, 1);
}

#[tokio::test]
async fn channels_and_connections_can_be_closed_with_any_code() {
    let (broker, mut client) = ready().await;
    broker.on_publish().close_channel(406, "as scripted");
    client.publish("", "q", "x").await;
    let told = (406, "PRECONDITION_FAILED - as scripted".to_owned());
    assert_eq!(client.channel_closed(1).await, told);
    client.open(1).await;
    broker
        .on_method("queue.declare")
        .close_connection(541, "as scripted");
    client
        .send(
            1,
            AMQPClass::Queue(queue::AMQPMethod::Declare(durable("q", &[]))),
        )
        .await;
    assert_eq!(
        client.connection_closed().await,
        (541, "INTERNAL_ERROR - as scripted".to_owned())
    );
    client.closed().await;
}

#[tokio::test]
async fn deliveries_can_be_doubled_repeated_and_lost() {
    let (broker, mut client) = ready().await;
    broker.on_delivery().from_queue("q").duplicate();
    broker.on_delivery().from_queue("q").nth(2).redeliver();
    broker.on_delivery().from_queue("q").nth(3).withhold();
    for body in ["doubled", "repeated", "lost", "after"] {
        client.publish("", "q", body).await;
        client.confirm().await;
    }
    client.open(2).await;
    client.consume(2, "q", false).await;
    let expected = [
        ("doubled", 1, false),
        ("doubled", 2, false),
        ("repeated", 3, false),
        ("repeated", 4, true),
    ];
    for expected in expected {
        let got = client.content(2).await;
        let delivery = got.delivery();
        assert_eq!(
            (got.text(), delivery.delivery_tag, delivery.redelivered),
            expected
        );
    }
    assert_eq!(
        client.content(2).await.delivery().delivery_tag,
        6,
        "tag 5 was never written"
    );
}

#[tokio::test]
async fn a_consumer_can_be_cancelled_and_an_ack_ignored() {
    let (broker, mut client) = ready().await;
    let ignored = broker.on_ack().ignore();
    broker.on_delivery().nth(2).cancel_consumer();
    client.open(2).await;
    client.consume(2, "q", false).await;
    for body in ["1", "2"] {
        client.publish("", "q", body).await;
        client.content(2).await;
        if body == "1" {
            client.confirm().await;
        }
    }
    match client.method(2).await {
        AMQPClass::Basic(basic::AMQPMethod::Cancel(cancel)) => {
            assert_eq!(cancel.consumer_tag.as_str(), "q")
        }
        other => panic!("{other:?}"),
    }
    client.confirm().await;
    client.ack(2, 1, false).await;
    client.count("q").await;
    assert_eq!((ignored.fired(), broker.unacked_count("q")), (1, Some(2)));
}

#[tokio::test]
async fn a_link_cut_at_an_ack_redelivers() {
    let (broker, mut client) = ready().await;
    broker.on_ack().cut();
    client.publish("", "q", "again").await;
    client.confirm().await;
    client.consume(1, "q", false).await;
    client.content(1).await;
    client.ack(1, 1, false).await;
    client.closed().await;
    let mut other = Client::connect(&broker).await;
    other.open(1).await;
    other.consume(1, "q", false).await;
    assert!(other.content(1).await.delivery().redelivered);
}

#[tokio::test]
async fn a_blocked_publisher_is_told_and_not_read_from_until_unblocked() {
    let (broker, mut client) = ready().await;
    broker.on_publish().block();
    client.publish("", "q", "1").await;
    assert!(matches!(
        client.method(0).await,
        AMQPClass::Connection(connection::AMQPMethod::Blocked(_))
    ));
    assert_eq!(client.confirm().await, (true, 1, false));
    client.publish("", "q", "2").await;
    // Another connection that never published goes on.
    let mut other = Client::connect(&broker).await;
    other.open(1).await;
    assert_eq!(other.count("q").await, 1);
    broker.unblock();
    assert!(matches!(
        client.method(0).await,
        AMQPClass::Connection(connection::AMQPMethod::Unblocked(_))
    ));
    assert_eq!(client.confirm().await, (true, 2, false));
}

#[tokio::test]
async fn full_queues_block_publishers_until_something_is_consumed() {
    let broker = EmbeddedBroker::builder()
        .memory_limit(100_000)
        .start()
        .await
        .unwrap();
    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    client.queue("q", &[]).await;
    client.publish("", "q", &"x".repeat(110_000)).await;
    assert!(matches!(
        client.method(0).await,
        AMQPClass::Connection(connection::AMQPMethod::Blocked(_))
    ));
    let mut other = Client::connect(&broker).await;
    other.open(1).await;
    other.get("q").await.unwrap();
    assert!(matches!(
        client.method(0).await,
        AMQPClass::Connection(connection::AMQPMethod::Unblocked(_))
    ));
}

#[tokio::test]
async fn a_broker_can_stay_silent_at_every_step_of_the_handshake() {
    let broker = EmbeddedBroker::start().await.unwrap();
    let silent = broker.on_connection().stay_silent();
    let mut client = Client::raw(&broker);
    client.send_bytes(b"AMQP\x00\x00\x09\x01").await;
    let saw = |event: &Event| {
        matches!(
            event,
            Event::Fault {
                action: "stay silent"
            }
        )
    };
    broker.record().wait_for(DEADLINE, saw).await.unwrap();
    assert_eq!(silent.fired(), 1);
    for step in [
        "connection.start_ok",
        "connection.tune_ok",
        "connection.open",
    ] {
        broker.clear_faults();
        broker.record().clear();
        let fault = broker.on_method(step).stay_silent();
        let mut client = Client::raw(&broker);
        let login = tokio::time::timeout(Duration::from_millis(50), client.login()).await;
        assert!(login.is_err(), "{step} was answered");
        assert_eq!(fault.fired(), 1, "{step}");
    }
}

#[tokio::test]
async fn an_answer_can_be_withheld() {
    let (broker, mut client) = ready().await;
    broker.on_method("queue.declare").withhold_answer();
    client
        .send(
            1,
            AMQPClass::Queue(queue::AMQPMethod::Declare(durable("quiet", &[]))),
        )
        .await;
    assert_eq!(
        client.count("q").await,
        0,
        "the next answer is for the next question"
    );
    assert_eq!(broker.ready_count("quiet"), Some(0), "it was carried out");
}

#[tokio::test]
async fn a_restart_keeps_durable_queues_and_persistent_messages_on_the_same_port() {
    let (broker, mut client) = ready().await;
    let port = broker.port();
    let transient = queue::Declare {
        durable: false,
        ..durable("transient", &[])
    };
    client.declare(1, transient).await;
    client
        .publish_with("", "q", "kept", false, persistent())
        .await;
    client.publish("", "q", "lost").await;
    client
        .publish_with("", "transient", "lost", false, persistent())
        .await;
    while client.confirm().await.1 < 3 {}
    broker.kill().await;
    client.closed().await;
    assert!(
        tokio::net::TcpStream::connect(broker.address())
            .await
            .is_err(),
        "nobody listens"
    );
    broker.restart().await.unwrap();
    assert_eq!(broker.port(), port);
    tokio::net::TcpStream::connect(broker.address())
        .await
        .expect("it listens again");
    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    assert_eq!(client.get("q").await.unwrap().text(), "kept");
    assert!(client.get("q").await.is_none());
    assert_eq!(broker.ready_count("transient"), None);
}

#[tokio::test]
async fn a_scripted_restart_leaves_a_stored_publish_unconfirmed() {
    let (broker, mut client) = ready().await;
    broker.on_publish().nth(2).restart();
    client.publish_with("", "q", "1", false, persistent()).await;
    client.publish_with("", "q", "2", false, persistent()).await;
    assert_eq!(client.confirm().await, (true, 1, false));
    client.closed().await;
    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    assert_eq!(client.count("q").await, 1);
}

#[tokio::test]
async fn the_record_tells_what_happened_in_order() {
    let (broker, mut client) = ready().await;
    let properties = AMQPProperties::default().with_message_id("m1".into());
    client.publish_with("", "q", "x", false, properties).await;
    client.confirm().await;
    let record = broker.record();
    let stored = |event: &Event| matches!(event, Event::Stored { message_id: Some(id), queue } if &**id == "m1" && &**queue == "q");
    let stored = record.wait_for(DEADLINE, stored).await.unwrap();
    let acked = |event: &Event| {
        matches!(
            event,
            Event::Confirmed {
                tag: 1,
                ack: true,
                ..
            }
        )
    };
    let acked = record.wait_for(DEADLINE, acked).await.unwrap();
    assert!(stored.sequence < acked.sequence);
    let missed = record
        .wait_for(Duration::ZERO, |event| matches!(event, Event::Killed))
        .await;
    assert!(
        missed.unwrap_err().to_string().contains("m1"),
        "a miss shows what there was"
    );
}
