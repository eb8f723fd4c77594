//! Messages that expire.

use rmq_tests::raw::table::{number, table};
use rmq_tests::raw::{Channel, Content, FieldTable, Properties, RawError};

use crate::stage::{Broker, Outcome, eventually};

on_each_broker! {
    a_message_expires_by_its_queue
    a_message_expires_by_itself
    the_shorter_time_counts
    a_time_of_zero_expires_what_is_not_taken_at_once
    a_time_of_zero_reaches_a_waiting_consumer
    an_expired_message_behind_one_that_is_not_stays
    what_was_delivered_does_not_expire
    a_negative_expiration_is_refused
}

async fn publish(channel: &Channel, queue: &str, body: &'static str, expiration: &str) -> Outcome {
    let properties = Properties::default().with_expiration(expiration.into());
    channel
        .store("", queue, &[Content::with(body, properties)?])
        .await
}

async fn empties(channel: &Channel, queue: &str) -> Outcome {
    eventually("the queue is empty", async || {
        Ok(channel.counts(queue).await?.0 == 0)
    })
    .await
}

async fn held(channel: &Channel) -> Result<String, RawError> {
    channel
        .own_queue(table([("x-message-ttl", number(600_000))]))
        .await
}

async fn a_message_expires_by_its_queue(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel
        .own_queue(table([("x-message-ttl", number(200))]))
        .await?;
    channel.publish_texts("", &queue, &["a"]).await?;
    empties(&channel, &queue).await
}

async fn a_message_expires_by_itself(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    publish(&channel, &queue, "a", "200").await?;
    publish(&channel, &queue, "b", "600000").await?;
    eventually("one is left", async || {
        Ok(channel.counts(&queue).await?.0 == 1)
    })
    .await?;
    assert_eq!(channel.take_all(&queue).await?, ["b"]);
    Ok(())
}

async fn the_shorter_time_counts(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let long = held(&channel).await?;
    publish(&channel, &long, "a", "200").await?;
    empties(&channel, &long).await?;
    let short = channel
        .own_queue(table([("x-message-ttl", number(200))]))
        .await?;
    publish(&channel, &short, "a", "600000").await?;
    empties(&channel, &short).await
}

async fn a_time_of_zero_expires_what_is_not_taken_at_once(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel
        .own_queue(table([("x-message-ttl", number(0))]))
        .await?;
    channel.publish_texts("", &queue, &["a", "b"]).await?;
    assert_eq!(channel.take(&queue).await?, None);
    Ok(())
}

async fn a_time_of_zero_reaches_a_waiting_consumer(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel
        .own_queue(table([("x-message-ttl", number(0))]))
        .await?;
    channel.consume(&queue).await?;
    channel.publish("", &queue, Content::new("a")).await?;
    assert_eq!(channel.delivery().await?.text(), "a");
    Ok(())
}

async fn an_expired_message_behind_one_that_is_not_stays(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    publish(&channel, &queue, "first", "600000").await?;
    publish(&channel, &queue, "second", "1").await?;
    // A queue of its own tells that the time is over.
    let clock = channel.own_queue(FieldTable::default()).await?;
    publish(&channel, &clock, "tick", "100").await?;
    empties(&channel, &clock).await?;
    assert_eq!(channel.counts(&queue).await?.0, 2);
    assert_eq!(channel.take_all(&queue).await?, ["first"]);
    Ok(())
}

async fn what_was_delivered_does_not_expire(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    publish(&channel, &queue, "held", "300").await?;
    let message = channel.get(&queue).await?.expect("a message");
    let clock = channel.own_queue(FieldTable::default()).await?;
    publish(&channel, &clock, "tick", "400").await?;
    empties(&channel, &clock).await?;
    channel.ack(message.tag).await?;
    channel.round_trip().await
}

async fn a_negative_expiration_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let properties = Properties::default().with_expiration("-1".into());
    channel
        .publish("", "anywhere", Content::with("x", properties)?)
        .await?;
    let closed = channel.closed().await?;
    assert_eq!(closed.code, 406, "{}", closed.text);
    assert!(
        closed.text.contains("invalid expiration '-1'"),
        "{}",
        closed.text
    );
    Ok(())
}
