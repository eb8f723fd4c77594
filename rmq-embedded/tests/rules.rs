//! Names, kinds, modes and handshakes: what RabbitMQ allows, refuses and says about it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod client;

use std::time::Duration;

use amq_protocol::frame::AMQPFrame;
use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::protocol::{AMQPClass, basic, confirm, connection, exchange, queue, tx};
use amq_protocol::types::{AMQPValue, FieldArray};
use client::{Client, durable, int, table, text};
use rmq_embedded::{EmbeddedBroker, Permissions};

async fn ready() -> (EmbeddedBroker, Client) {
    let broker = EmbeddedBroker::start().await.unwrap();
    let mut client = Client::connect(&broker).await;
    client.open(1).await;
    (broker, client)
}

fn declare_exchange(name: &str, kind: &str) -> AMQPClass {
    AMQPClass::Exchange(exchange::AMQPMethod::Declare(exchange::Declare {
        exchange: name.into(),
        kind: kind.into(),
        passive: false,
        durable: true,
        auto_delete: false,
        internal: false,
        nowait: false,
        arguments: Default::default(),
    }))
}

#[tokio::test]
async fn refusals_carry_rabbitmqs_codes_and_texts() {
    let (_broker, mut client) = ready().await;
    client.queue("q", &[]).await;
    client.publish("", "q", "x").await;
    client.exchange("d", "direct").await;
    let delete = |queue: &str, if_unused, if_empty| {
        let delete = queue::Delete {
            queue: queue.into(),
            if_unused,
            if_empty,
            nowait: false,
        };
        AMQPClass::Queue(queue::AMQPMethod::Delete(delete))
    };
    let declare = |declare| AMQPClass::Queue(queue::AMQPMethod::Declare(declare));
    let bind = |queue: &str, exchange: &str| {
        AMQPClass::Queue(queue::AMQPMethod::Bind(queue::Bind {
            queue: queue.into(),
            exchange: exchange.into(),
            routing_key: "".into(),
            nowait: false,
            arguments: Default::default(),
        }))
    };
    let passive = queue::Declare {
        passive: true,
        ..durable("none", &[])
    };
    let quorum = [("x-queue-type", text("quorum"))];
    let brief = queue::Declare {
        durable: false,
        ..durable("quorum", &quorum)
    };
    for (method, code, told) in [
        (
            declare(passive),
            404,
            "NOT_FOUND - no queue 'none' in vhost '/'",
        ),
        (
            bind("q", "none"),
            404,
            "NOT_FOUND - no exchange 'none' in vhost '/'",
        ),
        (
            bind("q", ""),
            403,
            "ACCESS_REFUSED - operation not permitted on the default exchange",
        ),
        (
            delete("q", false, true),
            406,
            "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty",
        ),
        (
            declare(durable("amq.mine", &[])),
            403,
            "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'",
        ),
        (
            declare_exchange("amq.mine", "direct"),
            403,
            "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'",
        ),
        (
            declare_exchange("d", "fanout"),
            406,
            "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'd' in vhost '/': received 'fanout' but current is 'direct'",
        ),
        (
            declare(queue::Declare {
                durable: false,
                ..durable("q", &[])
            }),
            406,
            "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but current is 'true'",
        ),
        (
            declare(durable("new", &[("x-message-ttl", int(-1))])),
            406,
            "PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue 'new' in vhost '/': {value_negative,-1}",
        ),
        (
            declare(brief),
            406,
            "PRECONDITION_FAILED - invalid property 'non-durable' for queue 'quorum' in vhost '/'",
        ),
    ] {
        client.send(1, method).await;
        assert_eq!(client.channel_closed(1).await, (code, told.to_owned()));
        client.open(1).await;
    }
}

#[tokio::test]
async fn faulty_acks_properties_and_types_are_refused_as_rabbitmq_refuses_them() {
    let (_broker, mut client) = ready().await;
    client.queue("q", &[]).await;
    client.ack(1, 7, false).await;
    let told = "PRECONDITION_FAILED - unknown delivery tag 7".to_owned();
    assert_eq!(client.channel_closed(1).await, (406, told));
    client.open(1).await;
    let expiring = AMQPProperties::default().with_expiration("soon".into());
    client.publish_with("", "q", "x", false, expiring).await;
    let told = "PRECONDITION_FAILED - invalid expiration 'soon': no_integer".to_owned();
    assert_eq!(client.channel_closed(1).await, (406, told));
    client.open(1).await;
    let claimed = AMQPProperties::default().with_user_id("root".into());
    client.publish_with("", "q", "x", false, claimed).await;
    let told =
        "PRECONDITION_FAILED - user_id property set to 'root' but authenticated user was 'guest'";
    assert_eq!(client.channel_closed(1).await, (406, told.to_owned()));
    client.open(1).await;
    client.send(1, declare_exchange("new", "x-none")).await;
    let told = "COMMAND_INVALID - unknown exchange type 'x-none'".to_owned();
    assert_eq!(client.connection_closed().await, (503, told));
}

#[tokio::test]
async fn a_method_on_a_channel_that_is_not_open_ends_the_connection() {
    let (_broker, mut client) = ready().await;
    client
        .publish_with("", "q", "x", false, AMQPProperties::default())
        .await;
    let declare = AMQPClass::Queue(queue::AMQPMethod::Declare(durable("q", &[])));
    client.send(5, declare).await;
    let told = "CHANNEL_ERROR - expected 'channel.open'".to_owned();
    assert_eq!(client.connection_closed().await, (504, told));
}

#[tokio::test]
async fn headers_exchanges_match_all_or_any() {
    let (_broker, mut client) = ready().await;
    client.exchange("h", "headers").await;
    for (name, mode) in [("all", "all"), ("any", "any")] {
        client.queue(name, &[]).await;
        let bind = queue::Bind {
            queue: name.into(),
            exchange: "h".into(),
            routing_key: "".into(),
            nowait: false,
            arguments: table(&[("x-match", text(mode)), ("a", int(1)), ("b", text("two"))]),
        };
        client
            .call(1, AMQPClass::Queue(queue::AMQPMethod::Bind(bind)))
            .await;
    }
    for headers in [
        vec![("a", int(1)), ("b", text("two"))],
        vec![("a", int(1))],
        vec![("a", int(2))],
    ] {
        let properties = AMQPProperties::default().with_headers(table(&headers));
        client.publish_with("h", "", "x", false, properties).await;
    }
    assert_eq!(
        (client.count("all").await, client.count("any").await),
        (1, 2)
    );
}

#[tokio::test]
async fn exchanges_bound_to_each_other_in_a_ring_deliver_once() {
    let (_broker, mut client) = ready().await;
    for name in ["a", "b"] {
        client.exchange(name, "fanout").await;
        client.queue(name, &[]).await;
        client.bind(name, name, "").await;
    }
    for (source, destination) in [("a", "b"), ("b", "a")] {
        let bind = exchange::Bind {
            destination: destination.into(),
            source: source.into(),
            routing_key: "".into(),
            nowait: false,
            arguments: Default::default(),
        };
        client
            .call(1, AMQPClass::Exchange(exchange::AMQPMethod::Bind(bind)))
            .await;
    }
    client.publish("a", "", "x").await;
    assert_eq!((client.count("a").await, client.count("b").await), (1, 1));
}

#[tokio::test]
async fn cc_and_bcc_route_and_bcc_is_not_seen() {
    let (_broker, mut client) = ready().await;
    for name in ["to", "cc", "bcc"] {
        client.queue(name, &[]).await;
    }
    let list = |key| AMQPValue::FieldArray(FieldArray::from(vec![text(key)]));
    let headers = table(&[("CC", list("cc")), ("BCC", list("bcc"))]);
    let properties = AMQPProperties::default().with_headers(headers);
    client.publish_with("", "to", "x", false, properties).await;
    for name in ["to", "cc", "bcc"] {
        let got = client.get(name).await.unwrap();
        assert!(
            got.header("CC").is_some() && got.header("BCC").is_none(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_transaction_takes_effect_at_its_commit_and_leaves_nothing_at_a_rollback() {
    let (broker, mut client) = ready().await;
    client.queue("q", &[]).await;
    client.publish("", "q", "before").await;
    client
        .call(1, AMQPClass::Tx(tx::AMQPMethod::Select(tx::Select {})))
        .await;
    client.publish("", "q", "rolled back").await;
    client.get_with("q", false).await.unwrap();
    client.ack(1, 1, false).await;
    client
        .call(1, AMQPClass::Tx(tx::AMQPMethod::Rollback(tx::Rollback {})))
        .await;
    assert_eq!(
        (broker.ready_count("q"), broker.unacked_count("q")),
        (Some(0), Some(1))
    );
    client.ack(1, 1, false).await;
    client.publish("", "q", "committed").await;
    client
        .call(1, AMQPClass::Tx(tx::AMQPMethod::Commit(tx::Commit {})))
        .await;
    assert_eq!(
        (broker.ready_count("q"), broker.unacked_count("q")),
        (Some(1), Some(0))
    );
    let select = confirm::AMQPMethod::Select(confirm::Select { nowait: false });
    client.send(1, AMQPClass::Confirm(select)).await;
    let told = "PRECONDITION_FAILED - cannot switch from tx to confirm mode".to_owned();
    assert_eq!(client.channel_closed(1).await, (406, told));
}

#[tokio::test]
async fn amqplain_logs_in_and_an_unknown_vhost_is_told() {
    let broker = EmbeddedBroker::start().await.unwrap();
    let mut client = Client::raw(&broker);
    client.send_bytes(b"AMQP\x00\x00\x09\x01").await;
    client.next().await;
    client
        .start_ok(
            "AMQPLAIN",
            "\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05guest",
        )
        .await;
    match client.method(0).await {
        AMQPClass::Connection(connection::AMQPMethod::Tune(tune)) => {
            assert_eq!(
                (tune.frame_max, tune.channel_max, tune.heartbeat),
                (131_072, 2047, 60)
            );
        }
        other => panic!("not accepted: {other:?}"),
    }
    let tune = connection::TuneOk {
        channel_max: 0,
        frame_max: 0,
        heartbeat: 0,
    };
    client
        .send(
            0,
            AMQPClass::Connection(connection::AMQPMethod::TuneOk(tune)),
        )
        .await;
    let open = connection::Open {
        virtual_host: "nowhere".into(),
    };
    client
        .send(0, AMQPClass::Connection(connection::AMQPMethod::Open(open)))
        .await;
    let told = "NOT_ALLOWED - vhost nowhere not found".to_owned();
    assert_eq!(client.connection_closed().await, (530, told));
}

#[tokio::test]
async fn another_protocol_is_answered_with_ours() {
    let broker = EmbeddedBroker::start().await.unwrap();
    let mut client = Client::raw(&broker);
    client.send_bytes(b"AMQP\x00\x01\x00\x00").await;
    match client.next().await {
        AMQPFrame::ProtocolHeader(version) => {
            assert_eq!((version.major, version.minor, version.revision), (0, 9, 1));
        }
        other => panic!("{other:?}"),
    }
    client.closed().await;
}

#[tokio::test]
async fn a_silent_client_is_dropped_and_a_quiet_broker_beats() {
    let broker = EmbeddedBroker::builder()
        .heartbeat(Duration::from_secs(1))
        .start()
        .await
        .unwrap();
    let mut client = Client::raw(&broker);
    client.login_with(1).await;
    // The client says nothing more: two intervals later its link is gone.
    let mut beats = 0;
    while let Some(frame) = client.try_frame().await {
        assert_eq!(frame, AMQPFrame::Heartbeat);
        beats += 1;
    }
    assert!(beats >= 1, "no heartbeat came");
}

#[tokio::test]
async fn a_secret_can_be_updated() {
    let (_broker, mut client) = ready().await;
    let update = connection::UpdateSecret {
        new_secret: "new".into(),
        reason: "expiry".into(),
    };
    match client
        .call(
            0,
            AMQPClass::Connection(connection::AMQPMethod::UpdateSecret(update)),
        )
        .await
    {
        AMQPClass::Connection(connection::AMQPMethod::UpdateSecretOk(_)) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_limited_user_is_refused_what_it_may_not_touch() {
    let own = Permissions::none()
        .vhost("/")
        .configure("own.")
        .write("amq.default")
        .read("own.");
    let broker = EmbeddedBroker::builder()
        .limited_user("bob", "pw", own)
        .start()
        .await
        .unwrap();
    let mut guest = Client::connect(&broker).await;
    guest.open(1).await;
    guest.queue("other", &[]).await;
    guest.exchange("x", "fanout").await;
    let mut client = Client::raw(&broker);
    client.login_as("\0bob\0pw", 0).await;
    client.open(1).await;
    client.queue("own.q", &[]).await;
    client.publish("", "own.q", "fine").await;
    assert_eq!(client.get("own.q").await.unwrap().text(), "fine");
    let declare = AMQPClass::Queue(queue::AMQPMethod::Declare(durable("not.own", &[])));
    client.send(1, declare).await;
    let told = "ACCESS_REFUSED - access to queue 'not.own' in vhost '/' refused for user 'bob'";
    assert_eq!(client.channel_closed(1).await, (403, told.to_owned()));
    client.open(1).await;
    client.publish("x", "", "refused").await;
    let told = "ACCESS_REFUSED - access to exchange 'x' in vhost '/' refused for user 'bob'";
    assert_eq!(client.channel_closed(1).await, (403, told.to_owned()));
    client.open(1).await;
    let get = basic::Get {
        queue: "other".into(),
        no_ack: true,
    };
    client
        .send(1, AMQPClass::Basic(basic::AMQPMethod::Get(get)))
        .await;
    let told = "ACCESS_REFUSED - access to queue 'other' in vhost '/' refused for user 'bob'";
    assert_eq!(client.channel_closed(1).await, (403, told.to_owned()));
}
