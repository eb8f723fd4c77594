//! Quorum queues.

use rmq_tests::broker::Release;
use rmq_tests::raw::table::{as_number, as_text, number, table, text};
use rmq_tests::raw::{
    AMQPValue, Channel, Content, FieldTable, Message, Properties, RawError, Verdict, basic, queue,
};

use crate::stage::{Broker, Outcome, eventually};

on_each_broker! {
    order_is_kept
    a_first_delivery_has_no_count
    each_return_is_counted
    a_lost_channel_is_counted
    above_the_delivery_limit_a_message_is_dead_lettered
    above_the_delivery_limit_without_a_dead_letter_route_it_is_dropped
    without_a_limit_3_10_goes_on_and_4_0_stops_at_twenty
    a_rejected_message_is_dead_lettered
    a_full_queue_that_rejects_nacks
    the_oldest_make_room
    a_channel_wide_prefetch_is_refused
    a_message_expires
    a_single_active_consumer_gets_everything
    a_passive_declare_finds_it
    at_least_once_dead_letters_arrive
}

fn quorum(more: Vec<(&str, AMQPValue)>) -> FieldTable {
    let mut arguments = table([("x-queue-type", text("quorum"))]);
    for (name, value) in more {
        arguments.insert(name.into(), value);
    }
    arguments
}

async fn delete(channel: &Channel, queue: &str) -> Outcome {
    channel
        .call(queue::Delete {
            queue: queue.into(),
            ..Default::default()
        })
        .await
        .map(drop)
}

/// Publishes with confirms, so that the queue has it.
async fn store(channel: &Channel, queue: &str, bodies: &[&str]) -> Outcome {
    channel.confirm_select().await?;
    for body in bodies {
        let content = Content::new((*body).to_owned());
        assert_eq!(
            channel.publish_and_wait("", queue, content).await?,
            Verdict::Acked
        );
    }
    Ok(())
}

fn counted(message: &Message) -> Result<Option<i64>, RawError> {
    Ok(message
        .header("x-delivery-count")?
        .as_ref()
        .and_then(as_number))
}

async fn order_is_kept(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.durable_queue(quorum(vec![])).await?;
    store(&channel, &queue, &["a", "b", "c"]).await?;
    channel.consume(&queue).await?;
    let got: Vec<String> = channel
        .deliveries(3)
        .await?
        .iter()
        .map(Message::text)
        .collect();
    assert_eq!(got, ["a", "b", "c"]);
    delete(&channel, &queue).await
}

async fn a_first_delivery_has_no_count(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.durable_queue(quorum(vec![])).await?;
    store(&channel, &queue, &["a"]).await?;
    channel.consume(&queue).await?;
    let message = channel.delivery().await?;
    assert_eq!((counted(&message)?, message.redelivered), (None, false));
    delete(&channel, &queue).await
}

async fn each_return_is_counted(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.durable_queue(quorum(vec![])).await?;
    store(&channel, &queue, &["a"]).await?;
    channel.consume(&queue).await?;
    let mut message = channel.delivery().await?;
    for round in 1..=3 {
        channel.reject(message.tag, true).await?;
        message = channel.delivery().await?;
        assert_eq!(
            (counted(&message)?, message.redelivered),
            (Some(round), true)
        );
    }
    delete(&channel, &queue).await
}

async fn a_lost_channel_is_counted(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    let channel = connection.channel(1).await?;
    let queue = channel.durable_queue(quorum(vec![])).await?;
    store(&channel, &queue, &["a"]).await?;
    let lost = connection.channel(2).await?;
    lost.consume(&queue).await?;
    lost.delivery().await?;
    lost.close().await?;
    channel.consume(&queue).await?;
    assert_eq!(counted(&channel.delivery().await?)?, Some(1));
    delete(&channel, &queue).await
}

/// Rejects with requeue as often as the message comes; how often it came, and its dead letter.
async fn exhaust(channel: &Channel, queue: &str, dead: &str) -> Result<(usize, Message), RawError> {
    store(channel, queue, &["a"]).await?;
    let tag = channel.consume(queue).await?;
    channel.consume(dead).await?;
    let mut came = 0;
    loop {
        let message = channel.delivery().await?;
        if message.consumer != tag {
            return Ok((came, message));
        }
        came += 1;
        channel.reject(message.tag, true).await?;
    }
}

async fn above_the_delivery_limit_a_message_is_dead_lettered(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let dead = channel.own_queue(FieldTable::default()).await?;
    let arguments = quorum(vec![
        ("x-delivery-limit", number(2)),
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(&dead)),
    ]);
    let queue = channel.durable_queue(arguments).await?;
    let (came, letter) = exhaust(&channel, &queue, &dead).await?;
    assert_eq!(came, 3);
    let reason = letter.header("x-first-death-reason")?;
    assert_eq!(
        reason.as_ref().map(as_text).as_deref(),
        Some("delivery_limit")
    );
    delete(&channel, &queue).await
}

async fn above_the_delivery_limit_without_a_dead_letter_route_it_is_dropped(
    broker: Broker,
) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel
        .durable_queue(quorum(vec![("x-delivery-limit", number(1))]))
        .await?;
    store(&channel, &queue, &["a", "after"]).await?;
    channel.prefetch(1).await?;
    channel.consume(&queue).await?;
    for _ in 0..2 {
        let message = channel.delivery().await?;
        assert_eq!(message.text(), "a");
        channel.reject(message.tag, true).await?;
    }
    assert_eq!(channel.delivery().await?.text(), "after");
    delete(&channel, &queue).await
}

async fn without_a_limit_3_10_goes_on_and_4_0_stops_at_twenty(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let dead = channel.own_queue(FieldTable::default()).await?;
    let arguments = quorum(vec![
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(&dead)),
    ]);
    let queue = channel.durable_queue(arguments).await?;
    if broker.is(Release::V4) {
        let (came, _) = exhaust(&channel, &queue, &dead).await?;
        assert_eq!(came, 21);
    } else {
        store(&channel, &queue, &["a"]).await?;
        channel.consume(&queue).await?;
        for _ in 0..30 {
            let message = channel.delivery().await?;
            channel.reject(message.tag, true).await?;
        }
        assert_eq!(counted(&channel.delivery().await?)?, Some(30));
    }
    delete(&channel, &queue).await
}

async fn a_rejected_message_is_dead_lettered(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let dead = channel.own_queue(FieldTable::default()).await?;
    let arguments = quorum(vec![
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(&dead)),
    ]);
    let queue = channel.durable_queue(arguments).await?;
    store(&channel, &queue, &["a"]).await?;
    let tag = channel.consume(&queue).await?;
    let message = channel.delivery().await?;
    assert_eq!(message.consumer, tag);
    channel.reject(message.tag, false).await?;
    channel.consume(&dead).await?;
    let reason = channel.delivery().await?.header("x-first-death-reason")?;
    assert_eq!(reason.as_ref().map(as_text).as_deref(), Some("rejected"));
    delete(&channel, &queue).await
}

async fn a_full_queue_that_rejects_nacks(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let arguments = quorum(vec![
        ("x-max-length", number(1)),
        ("x-overflow", text("reject-publish")),
    ]);
    let queue = channel.durable_queue(arguments).await?;
    channel.confirm_select().await?;
    // A quorum queue tells its publishers a little late that it is full.
    let mut nacked = false;
    for _ in 0..200 {
        nacked = channel
            .publish_and_wait("", &queue, Content::new("x"))
            .await?
            == Verdict::Nacked;
        if nacked {
            break;
        }
    }
    assert!(nacked);
    delete(&channel, &queue).await
}

async fn the_oldest_make_room(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel
        .durable_queue(quorum(vec![("x-max-length", number(2))]))
        .await?;
    store(&channel, &queue, &["a", "b", "c", "d"]).await?;
    channel.consume(&queue).await?;
    let got: Vec<String> = channel
        .deliveries(2)
        .await?
        .iter()
        .map(Message::text)
        .collect();
    assert_eq!(got, ["c", "d"]);
    delete(&channel, &queue).await
}

async fn a_channel_wide_prefetch_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.durable_queue(quorum(vec![])).await?;
    channel
        .call(basic::Qos {
            prefetch_count: 3,
            global: true,
        })
        .await?;
    let consume = basic::Consume {
        queue: queue.as_str().into(),
        ..Default::default()
    };
    let closed = channel.refused_hard(consume).await?;
    assert_eq!(closed.code, 540, "{}", closed.text);
    assert!(
        closed.text.contains("does not support global qos"),
        "{}",
        closed.text
    );
    Ok(())
}

async fn a_message_expires(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let dead = channel.own_queue(FieldTable::default()).await?;
    let arguments = quorum(vec![
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(&dead)),
    ]);
    let queue = channel.durable_queue(arguments).await?;
    let properties = Properties::default().with_expiration("50".into());
    channel
        .publish("", &queue, Content::with("x", properties)?)
        .await?;
    channel.consume(&dead).await?;
    let reason = channel.delivery().await?.header("x-first-death-reason")?;
    assert_eq!(reason.as_ref().map(as_text).as_deref(), Some("expired"));
    delete(&channel, &queue).await
}

async fn a_single_active_consumer_gets_everything(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let single = vec![("x-single-active-consumer", AMQPValue::Boolean(true))];
    let queue = channel.durable_queue(quorum(single)).await?;
    let first = channel.consume(&queue).await?;
    channel.consume(&queue).await?;
    channel
        .publish_texts("", &queue, &["a", "b", "c", "d"])
        .await?;
    let messages = channel.deliveries(4).await?;
    assert!(messages.iter().all(|message| message.consumer == first));
    delete(&channel, &queue).await
}

async fn a_passive_declare_finds_it(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.durable_queue(quorum(vec![])).await?;
    store(&channel, &queue, &["a", "b"]).await?;
    // Its counts follow a little later.
    eventually("two are counted", async || {
        Ok(channel.counts(&queue).await?.0 == 2)
    })
    .await?;
    delete(&channel, &queue).await
}

async fn at_least_once_dead_letters_arrive(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let dead = channel.durable_queue(quorum(vec![])).await?;
    let arguments = quorum(vec![
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(&dead)),
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-overflow", text("reject-publish")),
    ]);
    let queue = channel.durable_queue(arguments).await?;
    store(&channel, &queue, &["a"]).await?;
    let tag = channel.consume(&queue).await?;
    let message = channel.delivery().await?;
    channel.reject(message.tag, false).await?;
    channel.consume(&dead).await?;
    let letter = channel.delivery().await?;
    assert!(letter.consumer != tag && letter.text() == "a");
    delete(&channel, &queue).await?;
    delete(&channel, &dead).await
}
