//! Queues with priorities.

use rmq_tests::raw::table::{number, table};
use rmq_tests::raw::{Channel, Content, FieldTable, Properties};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    the_highest_priority_comes_first
    one_priority_keeps_its_order
    no_priority_is_the_lowest
    above_the_highest_is_the_highest
    a_plain_queue_ignores_priorities
    what_comes_back_keeps_its_priority
}

async fn publish(channel: &Channel, queue: &str, body: &'static str, priority: u8) -> Outcome {
    let properties = Properties::default().with_priority(priority);
    channel
        .publish("", queue, Content::with(body, properties)?)
        .await
}

fn five() -> FieldTable {
    table([("x-max-priority", number(5))])
}

async fn the_highest_priority_comes_first(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(five()).await?;
    for (body, priority) in [("low", 1), ("high", 5), ("middle", 3)] {
        publish(&channel, &queue, body, priority).await?;
    }
    channel.round_trip().await?;
    assert_eq!(channel.take_all(&queue).await?, ["high", "middle", "low"]);
    Ok(())
}

async fn one_priority_keeps_its_order(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(five()).await?;
    for body in ["a", "b", "c"] {
        publish(&channel, &queue, body, 2).await?;
    }
    channel.round_trip().await?;
    assert_eq!(channel.take_all(&queue).await?, ["a", "b", "c"]);
    Ok(())
}

async fn no_priority_is_the_lowest(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(five()).await?;
    channel.publish_texts("", &queue, &["none"]).await?;
    publish(&channel, &queue, "one", 1).await?;
    channel.round_trip().await?;
    assert_eq!(channel.take_all(&queue).await?, ["one", "none"]);
    Ok(())
}

async fn above_the_highest_is_the_highest(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(five()).await?;
    publish(&channel, &queue, "five", 5).await?;
    publish(&channel, &queue, "two hundred", 200).await?;
    channel.round_trip().await?;
    assert_eq!(channel.take_all(&queue).await?, ["five", "two hundred"]);
    Ok(())
}

async fn a_plain_queue_ignores_priorities(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    publish(&channel, &queue, "first", 0).await?;
    publish(&channel, &queue, "second", 9).await?;
    channel.round_trip().await?;
    assert_eq!(channel.take_all(&queue).await?, ["first", "second"]);
    Ok(())
}

async fn what_comes_back_keeps_its_priority(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(five()).await?;
    publish(&channel, &queue, "high", 5).await?;
    publish(&channel, &queue, "low", 1).await?;
    channel.round_trip().await?;
    let high = channel.get(&queue).await?.expect("a message");
    channel.reject(high.tag, true).await?;
    assert_eq!(channel.take_all(&queue).await?, ["high", "low"]);
    Ok(())
}
