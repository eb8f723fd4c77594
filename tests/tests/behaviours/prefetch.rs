//! Prefetch: how many deliveries may be unsettled.

use rmq_tests::raw::{Channel, FieldTable, RawError, basic};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    a_consumer_gets_no_more_than_its_prefetch
    an_ack_makes_room_for_one
    a_cumulative_ack_makes_room_for_many
    a_prefetch_of_zero_is_no_limit
    each_consumer_has_its_own_prefetch
    a_prefetch_reaches_consumers_that_start_later_only
    a_channel_wide_prefetch_is_shared
    a_prefetch_in_bytes_is_not_implemented
    a_get_is_not_held_up
}

/// A queue with so many messages.
async fn filled(channel: &Channel, count: usize) -> Result<String, RawError> {
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.publish_texts("", &queue, &vec!["x"; count]).await?;
    Ok(queue)
}

async fn a_consumer_gets_no_more_than_its_prefetch(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = filled(&channel, 10).await?;
    channel.prefetch(3).await?;
    channel.consume(&queue).await?;
    channel.deliveries(3).await?;
    assert!(channel.told(&queue).await?.is_empty());
    assert_eq!(channel.counts(&queue).await?.0, 7);
    Ok(())
}

async fn an_ack_makes_room_for_one(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = filled(&channel, 10).await?;
    channel.prefetch(2).await?;
    channel.consume(&queue).await?;
    let messages = channel.deliveries(2).await?;
    channel.ack(messages[1].tag).await?;
    assert_eq!(channel.delivery().await?.tag, 3);
    assert!(channel.told(&queue).await?.is_empty());
    Ok(())
}

async fn a_cumulative_ack_makes_room_for_many(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = filled(&channel, 10).await?;
    channel.prefetch(4).await?;
    channel.consume(&queue).await?;
    let messages = channel.deliveries(4).await?;
    channel
        .send(basic::Ack {
            delivery_tag: messages[2].tag,
            multiple: true,
        })
        .await?;
    channel.deliveries(3).await?;
    assert!(channel.told(&queue).await?.is_empty());
    Ok(())
}

async fn a_prefetch_of_zero_is_no_limit(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = filled(&channel, 100).await?;
    channel.prefetch(0).await?;
    channel.consume(&queue).await?;
    channel.deliveries(100).await.map(drop)
}

async fn each_consumer_has_its_own_prefetch(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = filled(&channel, 10).await?;
    channel.prefetch(2).await?;
    channel.consume(&queue).await?;
    channel.consume(&queue).await?;
    channel.deliveries(4).await?;
    assert!(channel.told(&queue).await?.is_empty());
    Ok(())
}

async fn a_prefetch_reaches_consumers_that_start_later_only(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = filled(&channel, 10).await?;
    channel.prefetch(1).await?;
    channel.consume(&queue).await?;
    channel.delivery().await?;
    channel.prefetch(5).await?;
    assert!(channel.told(&queue).await?.is_empty());
    channel.consume(&queue).await?;
    channel.deliveries(5).await?;
    assert!(channel.told(&queue).await?.is_empty());
    Ok(())
}

async fn a_channel_wide_prefetch_is_shared(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = filled(&channel, 10).await?;
    channel
        .call(basic::Qos {
            prefetch_count: 3,
            global: true,
        })
        .await?;
    channel.consume(&queue).await?;
    channel.consume(&queue).await?;
    channel.deliveries(3).await?;
    assert!(channel.told(&queue).await?.is_empty());
    Ok(())
}

async fn a_prefetch_in_bytes_is_not_implemented(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let arguments = [0, 0, 16, 0, 0, 1, 0];
    let frame = rmq_tests::raw::Frame::spelled(1, 60, 10, &arguments);
    channel.connection().send_frames(&[frame]).await?;
    let closed = channel.connection().closed().await?;
    assert_eq!(
        (closed.code, closed.text.as_str()),
        (540, "NOT_IMPLEMENTED - prefetch_size!=0 (4096)")
    );
    Ok(())
}

async fn a_get_is_not_held_up(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = filled(&channel, 3).await?;
    channel.prefetch(1).await?;
    channel.consume(&queue).await?;
    channel.delivery().await?;
    assert!(channel.get(&queue).await?.is_some());
    assert!(channel.get(&queue).await?.is_some());
    Ok(())
}
