//! Starting, sharing and ending consumers.

use rmq_tests::broker::unique;
use rmq_tests::raw::table::{number, table};
use rmq_tests::raw::{AMQPValue, Channel, Content, FieldTable, basic};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    a_consumer_gets_what_is_there_and_what_comes
    the_broker_names_a_consumer_without_a_tag
    a_tag_of_the_client_is_kept
    a_tag_that_is_taken_closes_the_connection
    tags_are_free_again_after_a_cancel
    consuming_a_missing_queue_is_not_found
    an_exclusive_consumer_keeps_others_out
    an_exclusive_consumer_must_be_the_first
    a_cancelled_consumer_gets_nothing_more
    a_cancel_leaves_what_was_delivered_to_be_settled
    cancelling_an_unknown_tag_is_fine
    two_consumers_share_in_turn
    a_consumer_with_a_higher_priority_comes_first
    a_single_active_consumer_gets_everything
    a_single_active_consumer_is_followed_by_the_next
    an_empty_queue_name_consumes_the_last_one_declared
    no_ack_settles_at_once
    a_delivery_says_where_it_came_from
}

async fn cancel(channel: &Channel, tag: &str) -> Outcome {
    channel
        .call(basic::Cancel {
            consumer_tag: tag.into(),
            nowait: false,
        })
        .await
        .map(drop)
}

fn bodies(messages: &[rmq_tests::raw::Message]) -> Vec<String> {
    messages.iter().map(rmq_tests::raw::Message::text).collect()
}

async fn a_consumer_gets_what_is_there_and_what_comes(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.publish_texts("", &queue, &["there"]).await?;
    channel.consume(&queue).await?;
    assert_eq!(channel.delivery().await?.text(), "there");
    channel.publish("", &queue, Content::new("comes")).await?;
    assert_eq!(channel.delivery().await?.text(), "comes");
    Ok(())
}

async fn the_broker_names_a_consumer_without_a_tag(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    let (one, two) = (
        channel.consume(&queue).await?,
        channel.consume(&queue).await?,
    );
    assert!(one.starts_with("amq.ctag-") && one != two, "{one} {two}");
    Ok(())
}

async fn a_tag_of_the_client_is_kept(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    let consume = basic::Consume {
        queue: queue.as_str().into(),
        consumer_tag: "mine".into(),
        ..Default::default()
    };
    assert_eq!(channel.consume_with(consume).await?, "mine");
    channel.publish("", &queue, Content::new("x")).await?;
    assert_eq!(channel.delivery().await?.consumer, "mine");
    Ok(())
}

async fn a_tag_that_is_taken_closes_the_connection(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    let consume = basic::Consume {
        queue: queue.as_str().into(),
        consumer_tag: "mine".into(),
        ..Default::default()
    };
    channel.consume_with(consume.clone()).await?;
    let closed = channel.refused_hard(consume).await?;
    assert_eq!(closed.code, 530);
    assert_eq!(
        closed.text,
        "NOT_ALLOWED - attempt to reuse consumer tag 'mine'"
    );
    Ok(())
}

async fn tags_are_free_again_after_a_cancel(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    for _ in 0..3 {
        let consume = basic::Consume {
            queue: queue.as_str().into(),
            consumer_tag: "mine".into(),
            ..Default::default()
        };
        channel.consume_with(consume).await?;
        cancel(&channel, "mine").await?;
    }
    Ok(())
}

async fn consuming_a_missing_queue_is_not_found(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("missing");
    let consume = basic::Consume {
        queue: name.as_str().into(),
        ..Default::default()
    };
    let closed = channel.refused(consume).await?;
    assert_eq!((closed.code, closed.method), (404, (60, 20)));
    assert_eq!(
        closed.text,
        format!("NOT_FOUND - no queue '{name}' in vhost '/'")
    );
    Ok(())
}

async fn an_exclusive_consumer_keeps_others_out(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    let (one, two) = (connection.channel(1).await?, connection.channel(2).await?);
    let queue = one.own_queue(FieldTable::default()).await?;
    let consume = basic::Consume {
        queue: queue.as_str().into(),
        ..Default::default()
    };
    one.consume_with(basic::Consume {
        exclusive: true,
        ..consume.clone()
    })
    .await?;
    let closed = two.refused(consume).await?;
    assert_eq!(closed.code, 403);
    assert_eq!(
        closed.text,
        format!("ACCESS_REFUSED - queue '{queue}' in vhost '/' in exclusive use")
    );
    Ok(())
}

async fn an_exclusive_consumer_must_be_the_first(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    let (one, two) = (connection.channel(1).await?, connection.channel(2).await?);
    let queue = one.own_queue(FieldTable::default()).await?;
    let consume = basic::Consume {
        queue: queue.as_str().into(),
        ..Default::default()
    };
    one.consume_with(consume.clone()).await?;
    let closed = two
        .refused(basic::Consume {
            exclusive: true,
            ..consume
        })
        .await?;
    assert_eq!(closed.code, 403, "{}", closed.text);
    Ok(())
}

async fn a_cancelled_consumer_gets_nothing_more(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    let tag = channel.consume(&queue).await?;
    cancel(&channel, &tag).await?;
    channel.publish_texts("", &queue, &["x"]).await?;
    assert!(channel.told(&queue).await?.is_empty());
    assert_eq!(channel.take_all(&queue).await?, ["x"]);
    Ok(())
}

async fn a_cancel_leaves_what_was_delivered_to_be_settled(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.publish_texts("", &queue, &["a", "b"]).await?;
    let tag = channel.consume(&queue).await?;
    let messages = channel.deliveries(2).await?;
    cancel(&channel, &tag).await?;
    assert_eq!(channel.counts(&queue).await?, (0, 0));
    channel.ack(messages[0].tag).await?;
    channel.reject(messages[1].tag, true).await?;
    assert_eq!(channel.take_all(&queue).await?, ["b"]);
    Ok(())
}

async fn cancelling_an_unknown_tag_is_fine(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    cancel(&channel, "nobody").await
}

async fn two_consumers_share_in_turn(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.prefetch(1).await?;
    let (one, two) = (
        channel.consume(&queue).await?,
        channel.consume(&queue).await?,
    );
    let mut served = Vec::new();
    for _ in 0..6 {
        channel.publish("", &queue, Content::new("x")).await?;
        let message = channel.delivery().await?;
        channel.ack(message.tag).await?;
        channel.counts(&queue).await?;
        served.push(message.consumer);
    }
    let of = |tag: &String| served.iter().filter(|other| *other == tag).count();
    assert_eq!((of(&one), of(&two)), (3, 3), "{served:?}");
    Ok(())
}

async fn a_consumer_with_a_higher_priority_comes_first(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.prefetch(2).await?;
    let low = channel.consume(&queue).await?;
    let high = channel
        .consume_with(basic::Consume {
            queue: queue.as_str().into(),
            arguments: table([("x-priority", number(10))]),
            ..Default::default()
        })
        .await?;
    channel.publish_texts("", &queue, &["a", "b", "c"]).await?;
    let served: Vec<String> = channel
        .deliveries(3)
        .await?
        .into_iter()
        .map(|message| message.consumer)
        .collect();
    // The lower one is served once the higher one has no room.
    assert_eq!(served, [high.clone(), high, low]);
    Ok(())
}

fn single_active() -> FieldTable {
    table([("x-single-active-consumer", AMQPValue::Boolean(true))])
}

async fn a_single_active_consumer_gets_everything(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(single_active()).await?;
    let first = channel.consume(&queue).await?;
    channel.consume(&queue).await?;
    channel
        .publish_texts("", &queue, &["a", "b", "c", "d"])
        .await?;
    let messages = channel.deliveries(4).await?;
    assert!(messages.iter().all(|message| message.consumer == first));
    assert_eq!(bodies(&messages), ["a", "b", "c", "d"]);
    Ok(())
}

async fn a_single_active_consumer_is_followed_by_the_next(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(single_active()).await?;
    let first = channel.consume(&queue).await?;
    let second = channel.consume(&queue).await?;
    cancel(&channel, &first).await?;
    channel.publish_texts("", &queue, &["a"]).await?;
    assert_eq!(channel.delivery().await?.consumer, second);
    Ok(())
}

async fn an_empty_queue_name_consumes_the_last_one_declared(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.consume("").await?;
    channel.publish("", &queue, Content::new("x")).await?;
    assert_eq!(channel.delivery().await?.text(), "x");
    Ok(())
}

async fn no_ack_settles_at_once(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.durable_queue(FieldTable::default()).await?;
    channel.prefetch(1).await?;
    let consume = basic::Consume {
        queue: queue.as_str().into(),
        no_ack: true,
        ..Default::default()
    };
    channel.consume_with(consume).await?;
    channel.publish_texts("", &queue, &["a", "b", "c"]).await?;
    // The prefetch does not hold them up.
    assert_eq!(bodies(&channel.deliveries(3).await?), ["a", "b", "c"]);
    channel.connection().close().await?;
    let other = broker.channel().await?;
    assert!(other.take_all(&queue).await?.is_empty());
    Ok(())
}

async fn a_delivery_says_where_it_came_from(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let exchange = channel.exchange("topic", FieldTable::default()).await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&queue, &exchange, "a.*").await?;
    channel.consume(&queue).await?;
    channel.publish(&exchange, "a.b", Content::new("x")).await?;
    let message = channel.delivery().await?;
    assert_eq!(
        (message.exchange, message.routing_key.as_str()),
        (exchange, "a.b")
    );
    assert_eq!((message.tag, message.redelivered), (1, false));
    Ok(())
}
