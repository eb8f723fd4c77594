//! Opening and ending a connection.

use std::time::Duration;

use rmq_tests::broker::{Release, unique};
use rmq_tests::raw::table::{table, text};
use rmq_tests::raw::{AMQPValue, Channel, Handshake, RawError, connections};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    the_broker_offers_plain_and_amqplain
    the_broker_tells_what_it_can_do
    plain_opens_a_connection
    amqplain_opens_a_connection
    a_wrong_password_is_told_by_a_close
    a_wrong_password_without_the_capability_drops_the_connection
    an_unknown_user_is_told_like_a_wrong_password
    a_missing_vhost_is_told_by_name
    a_foreign_protocol_is_answered_with_ours
    a_smaller_frame_size_is_kept
    a_frame_size_below_the_minimum_is_refused
    a_frame_size_above_the_offer_is_refused
    more_channels_than_agreed_are_refused
    heartbeats_come_while_nothing_else_does
    a_silent_client_is_dropped
    a_close_is_agreed_to
    a_secret_can_be_updated
    a_method_of_a_channel_before_the_handshake_drops_the_connection
}

fn refusal<T>(result: Result<T, RawError>) -> (u16, String) {
    let error = result.err().expect("the broker refuses");
    let closed = error
        .close()
        .unwrap_or_else(|| panic!("closed properly, and not {error:?}"));
    assert!(closed.connection);
    (closed.code, closed.text.clone())
}

async fn the_broker_offers_plain_and_amqplain(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    let mechanisms = connection.start().mechanisms.to_string();
    let mechanisms: Vec<&str> = mechanisms.split(' ').collect();
    assert!(
        mechanisms.contains(&"PLAIN") && mechanisms.contains(&"AMQPLAIN"),
        "{mechanisms:?}"
    );
    assert_eq!(connection.start().locales.to_string(), "en_US");
    Ok(())
}

async fn the_broker_tells_what_it_can_do(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    let properties = connection.start().server_properties.inner();
    assert!(properties.contains_key("product") && properties.contains_key("version"));
    let Some(AMQPValue::FieldTable(capabilities)) = properties.get("capabilities") else {
        panic!("no capabilities in {properties:?}");
    };
    for name in [
        "publisher_confirms",
        "exchange_exchange_bindings",
        "basic.nack",
        "consumer_cancel_notify",
        "connection.blocked",
        "consumer_priorities",
        "authentication_failure_close",
        "per_consumer_qos",
        "direct_reply_to",
    ] {
        assert_eq!(
            capabilities.inner().get(name),
            Some(&AMQPValue::Boolean(true)),
            "{name}"
        );
    }
    Ok(())
}

async fn plain_opens_a_connection(broker: Broker) -> Outcome {
    broker
        .connection()
        .await?
        .channel(1)
        .await?
        .round_trip()
        .await
}

async fn amqplain_opens_a_connection(broker: Broker) -> Outcome {
    let mut response = Vec::new();
    for (name, value) in [("LOGIN", "guest"), ("PASSWORD", "guest")] {
        response.push(u8::try_from(name.len()).unwrap());
        response.extend_from_slice(name.as_bytes());
        response.push(b'S');
        response.extend_from_slice(&u32::try_from(value.len()).unwrap().to_be_bytes());
        response.extend_from_slice(value.as_bytes());
    }
    let handshake = Handshake {
        mechanism: "AMQPLAIN".into(),
        response,
        ..Handshake::default()
    };
    broker
        .open(handshake)
        .await?
        .channel(1)
        .await?
        .round_trip()
        .await
}

async fn a_wrong_password_is_told_by_a_close(broker: Broker) -> Outcome {
    let result = broker
        .open(Handshake::default().user("guest", "wrong"))
        .await;
    let (code, text) = refusal(result);
    assert_eq!(code, 403);
    assert!(
        text.starts_with(
            "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."
        ),
        "{text}"
    );
    Ok(())
}

async fn a_wrong_password_without_the_capability_drops_the_connection(broker: Broker) -> Outcome {
    let handshake = Handshake {
        properties: table([("product", text("old"))]),
        ..Handshake::default()
    };
    let error = broker
        .open(handshake.user("guest", "wrong"))
        .await
        .expect_err("refused");
    assert!(error.close().is_none(), "{error}");
    assert!(error.to_string().contains("the stream ended"), "{error}");
    Ok(())
}

async fn an_unknown_user_is_told_like_a_wrong_password(broker: Broker) -> Outcome {
    let nobody = refusal(
        broker
            .open(Handshake::default().user("nobody", "guest"))
            .await,
    );
    let wrong = refusal(
        broker
            .open(Handshake::default().user("guest", "wrong"))
            .await,
    );
    assert_eq!(nobody, wrong);
    Ok(())
}

async fn a_missing_vhost_is_told_by_name(broker: Broker) -> Outcome {
    let vhost = unique("vhost");
    let (code, text) = refusal(broker.open(Handshake::default().vhost(&vhost)).await);
    assert_eq!(
        (code, text),
        (530, format!("NOT_ALLOWED - vhost {vhost} not found"))
    );
    Ok(())
}

async fn a_foreign_protocol_is_answered_with_ours(broker: Broker) -> Outcome {
    let mut wire = broker.wire().await?;
    wire.write(b"HTTP/1.1").await?;
    let answer = wire.receive_bytes(8).await?;
    // 4.0 also speaks AMQP 1.0 on this port, and names that.
    let ours: &[u8] = if broker.is(Release::V4) {
        b"AMQP\x03\x01\x00\x00"
    } else {
        b"AMQP\x00\x00\x09\x01"
    };
    assert_eq!(&answer[..], ours);
    assert!(
        wire.receive_bytes(1).await.is_err(),
        "the broker ends the stream"
    );
    Ok(())
}

async fn a_smaller_frame_size_is_kept(broker: Broker) -> Outcome {
    let big = broker.channel().await?;
    let queue = big.durable_queue(table([])).await?;
    big.publish("", &queue, rmq_tests::raw::Content::new(vec![7_u8; 20_000]))
        .await?;
    big.round_trip().await?;
    let small = broker.open(Handshake::default().tune(100, 4096, 0)).await?;
    let message = small
        .channel(1)
        .await?
        .take(&queue)
        .await?
        .expect("a message");
    assert_eq!(message.content.body, vec![7_u8; 20_000]);
    assert!(
        small.longest_frame().await <= 4096 - 8,
        "{}",
        small.longest_frame().await
    );
    Ok(())
}

/// RabbitMQ does not say why: it ends the stream where open-ok was due.
async fn tuned_to_nothing(broker: &Broker, frame_max: u32) -> Outcome {
    let error = broker
        .open(Handshake::default().tune(100, frame_max, 0))
        .await
        .expect_err("refused");
    assert!(error.close().is_none(), "{error}");
    assert!(error.to_string().contains("the stream ended"), "{error}");
    Ok(())
}

async fn a_frame_size_below_the_minimum_is_refused(broker: Broker) -> Outcome {
    tuned_to_nothing(&broker, 4095).await
}

async fn a_frame_size_above_the_offer_is_refused(broker: Broker) -> Outcome {
    tuned_to_nothing(&broker, 131_073).await
}

async fn more_channels_than_agreed_are_refused(broker: Broker) -> Outcome {
    let connection = broker
        .open(Handshake::default().tune(3, 131_072, 0))
        .await?;
    for id in 1..=3 {
        connection.channel(id).await?;
    }
    let (code, text) = refusal(connection.channel(4).await.map(|_: Channel| ()));
    assert_eq!(code, 530);
    assert_eq!(
        text,
        "NOT_ALLOWED - number of channels opened (3) has reached the negotiated channel_max (3)"
    );
    Ok(())
}

async fn heartbeats_come_while_nothing_else_does(broker: Broker) -> Outcome {
    let mut wire = {
        let connection = broker
            .open(Handshake::default().tune(100, 131_072, 1))
            .await?;
        connection.into_wire().await?
    };
    for _ in 0..2 {
        let frame = wire.receive().await?.expect("a heartbeat");
        assert_eq!(frame, rmq_tests::raw::Frame::heartbeat());
        wire.send(&[rmq_tests::raw::Frame::heartbeat()]).await?;
    }
    Ok(())
}

async fn a_silent_client_is_dropped(broker: Broker) -> Outcome {
    let connection = broker
        .open(Handshake::default().tune(100, 131_072, 1))
        .await?;
    let mut wire = connection.into_wire().await?;
    while wire
        .receive_within(Duration::from_secs(10))
        .await?
        .is_some()
    {}
    Ok(())
}

async fn a_close_is_agreed_to(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    connection.channel(1).await?;
    connection.close().await
}

async fn a_secret_can_be_updated(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    let update = connections::UpdateSecret {
        new_secret: "guest".into(),
        reason: "test".into(),
    };
    connection.call(update).await?;
    connection.channel(1).await?.round_trip().await
}

async fn a_method_of_a_channel_before_the_handshake_drops_the_connection(
    broker: Broker,
) -> Outcome {
    let mut wire = broker.wire().await?;
    wire.write(b"AMQP\x00\x00\x09\x01").await?;
    let start = wire.receive().await?.expect("connection.start");
    assert_eq!(start.channel, 0);
    wire.send(&[rmq_tests::raw::Frame::spelled(1, 20, 10, &[0])])
        .await?;
    while let Some(frame) = wire.receive().await? {
        assert_eq!(frame.channel, 0, "nothing on a channel that was never open");
    }
    Ok(())
}
