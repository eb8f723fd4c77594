//! Any bytes end in a close or a dropped link, never in a panic, a hang or growth without bound.
//!
//! `RMQ_TEST_FULL=1` runs 100,000 mutated conversations instead of 2,000.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod client;

use std::sync::{Mutex, Once};

use amq_protocol::frame::AMQPFrame;
use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::protocol::{AMQPClass, basic, channel, confirm, connection, queue};
use client::{Client, DEADLINE, durable, encode, int, publish_frames, table, text};
use rmq_embedded::{EmbeddedBroker, Event};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What a client sends from its first byte to a publish, a consumer and an ack.
fn conversation() -> Vec<u8> {
    let mut bytes = b"AMQP\x00\x00\x09\x01".to_vec();
    let mut push = |channel, class| bytes.extend(encode(&AMQPFrame::Method(channel, class)));
    let start_ok = connection::StartOk {
        client_properties: table(&[("product", text("test")), ("n", int(1))]),
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
        frame_max: 131_072,
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
    push(
        1,
        AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})),
    );
    push(
        1,
        AMQPClass::Confirm(confirm::AMQPMethod::Select(confirm::Select {
            nowait: false,
        })),
    );
    let arguments = [
        ("x-max-length", int(100)),
        ("x-dead-letter-exchange", text("")),
    ];
    push(
        1,
        AMQPClass::Queue(queue::AMQPMethod::Declare(durable("q", &arguments))),
    );
    let consume = basic::Consume {
        queue: "q".into(),
        consumer_tag: "c".into(),
        no_local: false,
        no_ack: false,
        exclusive: false,
        nowait: false,
        arguments: table(&[("x-priority", int(1))]),
    };
    push(1, AMQPClass::Basic(basic::AMQPMethod::Consume(consume)));
    let properties = AMQPProperties::default()
        .with_headers(table(&[("k", text("v")), ("n", int(7))]))
        .with_delivery_mode(2)
        .with_expiration("60000".into())
        .with_message_id("m".into());
    bytes.extend(publish_frames(1, "", "q", b"body", true, properties));
    let ack = basic::Ack {
        delivery_tag: 1,
        multiple: false,
    };
    let ack = AMQPClass::Basic(basic::AMQPMethod::Ack(ack));
    bytes.extend(encode(&AMQPFrame::Method(1, ack)));
    let nack = basic::Nack {
        delivery_tag: 0,
        multiple: true,
        requeue: false,
    };
    let nack = AMQPClass::Basic(basic::AMQPMethod::Nack(nack));
    bytes.extend(encode(&AMQPFrame::Method(1, nack)));
    bytes
}

/// Sends bytes, says there are no more, and reads until the broker has closed its side.
async fn feed(broker: &EmbeddedBroker, bytes: &[u8]) {
    let stream = broker.connect();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let talk = async {
        // The broker may close before it has read everything: that is an answer, too.
        let sent = writer.write_all(bytes).await;
        let ended = writer.shutdown().await;
        drop((sent, ended));
        let mut answer = Vec::new();
        reader.read_to_end(&mut answer).await.unwrap();
    };
    tokio::time::timeout(DEADLINE, talk)
        .await
        .expect("the broker neither answers nor closes");
}

/// Panics of the broker's own code. Its tasks catch them, so that a client only sees its link end.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A broker whose panics are noted.
async fn watched() -> EmbeddedBroker {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // Those of the tests themselves, in `tests/`, fail by themselves.
            let at = panic.location().map(ToString::to_string);
            if at.as_ref().is_none_or(|at| !at.contains("tests/")) {
                PANICS.lock().unwrap().push(panic.to_string());
            }
            before(panic);
        }));
    });
    EmbeddedBroker::start().await.unwrap()
}

/// No panic was caught, every link has ended, and the broker still serves a well-behaved client.
async fn is_well(broker: &EmbeddedBroker) {
    let panics = PANICS.lock().unwrap().clone();
    assert!(panics.is_empty(), "the broker panicked: {panics:?}");
    let gone = async {
        while broker.connection_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    let gone = tokio::time::timeout(DEADLINE, gone).await;
    gone.expect("a link was left");
    let mut client = Client::connect(broker).await;
    client.open(1).await;
    client.queue("proof", &[]).await;
    client.publish("", "proof", "alive").await;
    assert_eq!(client.get("proof").await.unwrap().text(), "alive");
}

#[tokio::test]
async fn the_conversation_itself_is_sound() {
    let broker = watched().await;
    feed(&broker, &conversation()).await;
    let record = broker.record();
    assert_eq!(
        record.count(|event| matches!(event, Event::Acked { tag: 1, .. })),
        1
    );
    assert_eq!(
        record.count(|event| matches!(event, Event::ConnectionClosed { .. })),
        0
    );
    assert_eq!(
        record.count(|event| matches!(event, Event::ChannelClosed { .. })),
        0
    );
}

#[tokio::test]
async fn every_truncation_ends_the_link() {
    let broker = watched().await;
    let whole = conversation();
    for cut in 0..whole.len() {
        feed(&broker, &whole[..cut]).await;
    }
    is_well(&broker).await;
}

#[tokio::test]
async fn mutated_conversations_end_the_link() {
    let rounds = if std::env::var_os("RMQ_TEST_FULL").is_some() {
        100_000
    } else {
        2_000
    };
    let broker = watched().await;
    let whole = conversation();
    let mut random = fastrand::Rng::with_seed(0x5EED);
    for _ in 0..rounds {
        let mut bytes = whole.clone();
        // Most rounds spare the protocol header, or nothing behind it would ever be read.
        let from = if random.u8(..) < 16 { 0 } else { 8 };
        for _ in 0..random.usize(1..4) {
            if bytes.len() <= from {
                break;
            }
            let at = random.usize(from..bytes.len());
            match random.u8(..6) {
                0 => bytes[at] = random.u8(..),
                1 => bytes[at] ^= 1 << random.u8(..8),
                2 => drop(bytes.remove(at)),
                3 => bytes.insert(at, random.u8(..)),
                4 => bytes.truncate(at.max(9)),
                _ => {
                    let end = (at + random.usize(..64)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    bytes.splice(at..at, copy);
                }
            }
        }
        feed(&broker, &bytes).await;
    }
    is_well(&broker).await;
}

#[tokio::test]
async fn a_giant_claim_of_length_is_refused_at_once() {
    let broker = watched().await;
    let mut client = Client::connect(&broker).await;
    client.send_bytes(&[3, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF]).await;
    assert_eq!(client.connection_closed_at_once().await.0, 501);
    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    client.queue("q", &[]).await;
    let mut bytes = publish_frames(1, "", "q", b"", false, AMQPProperties::default());
    let size_at = bytes.len() - 11;
    bytes[size_at..size_at + 8].copy_from_slice(&u64::MAX.to_be_bytes());
    client.send_bytes(&bytes).await;
    let (code, told) = client.channel_closed(1).await;
    assert_eq!(code, 406, "{told}");
    assert!(
        told.contains("is larger than configured max size 134217728"),
        "{told}"
    );
}

#[tokio::test]
async fn deep_tables_end_the_connection_in_methods_and_travel_intact_in_messages() {
    let broker = watched().await;
    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    let mut payload = vec![0, 50, 0, 10, 0, 0, 1, b'd', 0];
    payload.extend(deep_table(5_000));
    client.send_bytes(&frame(1, 1, &payload)).await;
    assert_eq!(client.connection_closed().await.0, 502);

    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    client.exchange("h", "headers").await;
    client.queue("dead", &[]).await;
    let dead = [
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text("dead")),
    ];
    client.queue("q", &dead).await;
    client.bind("q", "h", "").await;
    let mut header = vec![0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0b0010_0000, 0];
    header.extend(deep_table(5_000));
    let publish = [0, 60, 0, 40, 0, 0, 1, b'h', 0, 0];
    client.send_bytes(&frame(1, 1, &publish)).await;
    client.send_bytes(&frame(2, 1, &header)).await;
    assert_eq!(client.count("q").await, 1);
    // Delivered with its table as it came: this client's parser is not asked to read it.
    let mut raw = Client::connect(&broker).await;
    raw.open(1).await;
    let consume = [0, 60, 0, 20, 0, 0, 1, b'q', 0, 0, 0, 0, 0, 0];
    raw.send_bytes(&frame(1, 1, &consume)).await;
    let found = raw.bytes_until(&deep_table(5_000)).await;
    assert!(found, "the table was changed on the way");
    raw.nack(1, 1, false).await;
    let died = |event: &Event| {
        matches!(
            event,
            Event::DeadLettered {
                reason: "rejected",
                ..
            }
        )
    };
    broker.record().wait_for(DEADLINE, died).await.unwrap();
    assert_eq!(
        client.count("dead").await,
        1,
        "dead-lettering does not choke on it either"
    );
}

/// A table nested `depth` deep, with its length.
fn deep_table(depth: usize) -> Vec<u8> {
    let mut table = Vec::new();
    for level in 0..depth {
        let left = ((depth - level - 1) * 7) as u32;
        if level == 0 {
            table.extend_from_slice(&(((depth) * 7) as u32).to_be_bytes());
        }
        table.extend_from_slice(&[1, b'a', b'F']);
        table.extend_from_slice(&left.to_be_bytes());
    }
    table
}

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![kind];
    frame.extend_from_slice(&channel.to_be_bytes());
    frame.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    frame.extend_from_slice(payload);
    frame.push(0xCE);
    frame
}
