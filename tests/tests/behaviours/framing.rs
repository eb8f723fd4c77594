//! Frames that break the rules.

use bytes::Bytes;
use rmq_tests::raw::{Channel, Content, Frame, FrameKind, RawError, basic};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    a_wrong_end_octet_ends_the_connection
    an_unknown_frame_type_ends_the_connection
    a_frame_above_the_agreed_size_ends_the_connection
    a_header_without_a_publish_ends_the_connection
    a_body_without_a_header_ends_the_connection
    a_method_where_a_header_is_due_ends_the_connection
    a_method_where_a_body_is_due_ends_the_connection
    a_body_longer_than_its_header_says_ends_the_connection
    a_header_of_another_class_ends_the_connection
    a_body_in_many_pieces_is_one_message
    channels_interleave_their_content
    a_heartbeat_in_the_middle_of_content_is_nothing
    a_publish_that_never_ends_is_dropped_with_the_connection
}

/// The broker closes, or drops, the connection; never a channel, never nothing.
async fn ends(channel: &Channel, codes: &[u16]) -> Outcome {
    match channel.connection().closed().await {
        Ok(closed) => assert!(codes.contains(&closed.code), "{closed}"),
        Err(error) => assert!(error.to_string().contains("End came"), "{error}"),
    }
    Ok(())
}

fn publish(channel: &Channel, queue: &str, body: &str) -> Result<Vec<Frame>, RawError> {
    let method = basic::Publish {
        routing_key: queue.into(),
        ..Default::default()
    };
    channel.publish_frames(method, &Content::new(body.to_owned()))
}

async fn a_wrong_end_octet_ends_the_connection(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let mut bytes = Frame::spelled(1, 60, 10, &[0; 7]).bytes().to_vec();
    *bytes.last_mut().unwrap() = 0;
    channel.connection().send_bytes(&bytes).await?;
    ends(&channel, &[501]).await
}

async fn an_unknown_frame_type_ends_the_connection(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel
        .connection()
        .send_bytes(b"\x09\x00\x01\x00\x00\x00\x00\xce")
        .await?;
    ends(&channel, &[501, 505]).await
}

async fn a_frame_above_the_agreed_size_ends_the_connection(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel
        .connection()
        .send_frames(&[Frame::body(1, vec![0; 131_073].into())])
        .await?;
    ends(&channel, &[501]).await
}

async fn a_header_without_a_publish_ends_the_connection(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel
        .connection()
        .send_frames(&[Frame::header(1, 0, &[0, 0])])
        .await?;
    ends(&channel, &[505]).await
}

async fn a_body_without_a_header_ends_the_connection(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let mut frames = publish(&channel, "nobody", "x")?;
    frames.remove(1);
    channel.connection().send_frames(&frames).await?;
    ends(&channel, &[505]).await
}

async fn a_method_where_a_header_is_due_ends_the_connection(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let mut frames = publish(&channel, "nobody", "x")?;
    frames.truncate(1);
    channel.connection().send_frames(&frames).await?;
    channel.send(basic::Qos::default()).await?;
    ends(&channel, &[505]).await
}

async fn a_method_where_a_body_is_due_ends_the_connection(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let mut frames = publish(&channel, "nobody", "x")?;
    frames.truncate(2);
    channel.connection().send_frames(&frames).await?;
    channel.send(basic::Qos::default()).await?;
    ends(&channel, &[505]).await
}

async fn a_body_longer_than_its_header_says_ends_the_connection(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let mut frames = publish(&channel, "nobody", "x")?;
    frames[2] = Frame::body(1, Bytes::from_static(b"much longer"));
    channel.connection().send_frames(&frames).await?;
    // RabbitMQ goes on waiting for a body that ends, and takes the next method for a fault.
    channel.send(basic::Qos::default()).await?;
    ends(&channel, &[501, 505]).await
}

async fn a_header_of_another_class_ends_the_connection(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let mut frames = publish(&channel, "nobody", "x")?;
    let mut payload = frames[1].payload.to_vec();
    payload[1] = 50;
    frames[1] = Frame {
        kind: FrameKind::Header,
        channel: 1,
        payload: payload.into(),
    };
    channel.connection().send_frames(&frames).await?;
    ends(&channel, &[505]).await
}

async fn a_body_in_many_pieces_is_one_message(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(Default::default()).await?;
    let mut frames = publish(&channel, &queue, "pieces")?;
    frames.truncate(2);
    frames.extend(
        "pieces"
            .bytes()
            .map(|octet| Frame::body(1, vec![octet].into())),
    );
    channel.connection().send_frames(&frames).await?;
    channel.round_trip().await?;
    assert_eq!(channel.take_all(&queue).await?, ["pieces"]);
    Ok(())
}

async fn channels_interleave_their_content(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    let (one, two) = (connection.channel(1).await?, connection.channel(2).await?);
    let queue = one.own_queue(Default::default()).await?;
    let first = publish(&one, &queue, "one")?;
    let second = publish(&two, &queue, "two")?;
    for (left, right) in first.into_iter().zip(second) {
        connection.send_frames(&[left, right]).await?;
    }
    one.round_trip().await?;
    two.round_trip().await?;
    let mut all = one.take_all(&queue).await?;
    all.sort();
    assert_eq!(all, ["one", "two"]);
    Ok(())
}

async fn a_heartbeat_in_the_middle_of_content_is_nothing(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(Default::default()).await?;
    for frame in publish(&channel, &queue, "whole")? {
        channel
            .connection()
            .send_frames(&[frame, Frame::heartbeat()])
            .await?;
    }
    channel.round_trip().await?;
    assert_eq!(channel.take_all(&queue).await?, ["whole"]);
    Ok(())
}

async fn a_publish_that_never_ends_is_dropped_with_the_connection(broker: Broker) -> Outcome {
    let watcher = broker.channel().await?;
    let queue = watcher.durable_queue(Default::default()).await?;
    {
        let channel = broker.channel().await?;
        channel.publish_texts("", &queue, &["whole"]).await?;
        let mut frames = publish(&channel, &queue, "half")?;
        frames.truncate(2);
        channel.connection().send_frames(&frames).await?;
    }
    watcher.publish_texts("", &queue, &["after"]).await?;
    assert_eq!(watcher.take_all(&queue).await?, ["whole", "after"]);
    Ok(())
}
