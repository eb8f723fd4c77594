//! Settling deliveries, and what becomes of those that nobody settled.

use rmq_tests::raw::{Channel, FieldTable, Message, RawError, basic};

use crate::stage::{Broker, Outcome, back_after_close, eventually};

on_each_broker! {
    an_acknowledged_message_is_gone
    a_cumulative_ack_settles_all_below
    a_cumulative_ack_of_zero_settles_all
    a_nack_requeues_to_its_place
    a_cumulative_nack_requeues_all_below_in_order
    a_reject_without_requeue_drops
    a_message_that_came_back_is_marked
    closing_the_channel_brings_back_what_was_not_settled
    losing_the_connection_brings_back_what_was_not_settled
    acknowledging_an_unknown_tag_closes_the_channel
    acknowledging_twice_closes_the_channel
    acknowledging_on_another_channel_closes_it
    a_cumulative_ack_after_the_highest_was_settled_closes_the_channel
    rejecting_an_unknown_tag_closes_the_channel
    a_single_ack_of_zero_closes_the_channel
    recover_brings_back_what_was_not_settled
    recover_to_the_same_consumer_is_not_implemented
    tags_go_on_counting_over_consumers_and_gets
    an_ack_after_the_queue_was_deleted_is_fine
}

async fn delivered(
    channel: &Channel,
    count: usize,
) -> Result<(String, String, Vec<Message>), RawError> {
    let queue = channel.own_queue(FieldTable::default()).await?;
    let texts: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    channel.publish_texts("", &queue, &texts).await?;
    let tag = channel.consume(&queue).await?;
    let messages = channel.deliveries(count).await?;
    // The consumer goes, so that what comes back stays in the queue.
    channel
        .call(basic::Cancel {
            consumer_tag: tag.as_str().into(),
            nowait: false,
        })
        .await?;
    Ok((queue, tag, messages))
}

async fn an_acknowledged_message_is_gone(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, _, messages) = delivered(&channel, 1).await?;
    channel.ack(messages[0].tag).await?;
    assert!(back_after_close(channel, &queue).await?.is_empty());
    Ok(())
}

async fn a_cumulative_ack_settles_all_below(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, _, messages) = delivered(&channel, 5).await?;
    channel
        .send(basic::Ack {
            delivery_tag: messages[2].tag,
            multiple: true,
        })
        .await?;
    assert_eq!(back_after_close(channel, &queue).await?, ["3", "4"]);
    Ok(())
}

async fn a_cumulative_ack_of_zero_settles_all(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, _, _) = delivered(&channel, 3).await?;
    channel
        .send(basic::Ack {
            delivery_tag: 0,
            multiple: true,
        })
        .await?;
    assert!(back_after_close(channel, &queue).await?.is_empty());
    Ok(())
}

async fn a_nack_requeues_to_its_place(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, _, messages) = delivered(&channel, 3).await?;
    // The last first: each finds the place that it had.
    for message in messages.iter().rev() {
        let nack = basic::Nack {
            delivery_tag: message.tag,
            multiple: false,
            requeue: true,
        };
        channel.send(nack).await?;
    }
    assert_eq!(channel.take_all(&queue).await?, ["0", "1", "2"]);
    Ok(())
}

async fn a_cumulative_nack_requeues_all_below_in_order(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, _, messages) = delivered(&channel, 4).await?;
    let nack = basic::Nack {
        delivery_tag: messages[2].tag,
        multiple: true,
        requeue: true,
    };
    channel.send(nack).await?;
    assert_eq!(channel.take_all(&queue).await?, ["0", "1", "2"]);
    Ok(())
}

async fn a_reject_without_requeue_drops(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, _, messages) = delivered(&channel, 2).await?;
    channel.reject(messages[0].tag, false).await?;
    channel.reject(messages[1].tag, true).await?;
    assert_eq!(channel.take_all(&queue).await?, ["1"]);
    Ok(())
}

async fn a_message_that_came_back_is_marked(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, _, messages) = delivered(&channel, 1).await?;
    assert!(!messages[0].redelivered);
    channel.reject(messages[0].tag, true).await?;
    let again = channel.take(&queue).await?.expect("the message again");
    assert!(again.redelivered);
    Ok(())
}

async fn closing_the_channel_brings_back_what_was_not_settled(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, _, messages) = delivered(&channel, 3).await?;
    channel.ack(messages[1].tag).await?;
    let other = channel.connection().channel(2).await?;
    channel.close().await?;
    eventually("two are back", async || {
        Ok(other.counts(&queue).await?.0 == 2)
    })
    .await?;
    for body in ["0", "2"] {
        let message = other.take(&queue).await?.expect("a message");
        assert_eq!((message.text().as_str(), message.redelivered), (body, true));
    }
    Ok(())
}

async fn losing_the_connection_brings_back_what_was_not_settled(broker: Broker) -> Outcome {
    let watcher = broker.channel().await?;
    let queue = watcher.durable_queue(FieldTable::default()).await?;
    watcher.publish_texts("", &queue, &["a", "b"]).await?;
    {
        let lost = broker.channel().await?;
        lost.consume(&queue).await?;
        lost.deliveries(2).await?;
        assert_eq!(watcher.counts(&queue).await?.0, 0);
    }
    eventually("both are back", async || {
        Ok(watcher.counts(&queue).await?.0 == 2)
    })
    .await?;
    assert_eq!(watcher.take_all(&queue).await?, ["a", "b"]);
    Ok(())
}

async fn acknowledging_an_unknown_tag_closes_the_channel(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let closed = channel
        .refused(basic::Ack {
            delivery_tag: 99,
            multiple: false,
        })
        .await?;
    assert_eq!((closed.code, closed.method), (406, (60, 80)));
    assert_eq!(closed.text, "PRECONDITION_FAILED - unknown delivery tag 99");
    Ok(())
}

async fn acknowledging_twice_closes_the_channel(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (_, _, messages) = delivered(&channel, 1).await?;
    channel.ack(messages[0].tag).await?;
    let ack = basic::Ack {
        delivery_tag: messages[0].tag,
        multiple: false,
    };
    let closed = channel.refused(ack).await?;
    assert_eq!(closed.text, "PRECONDITION_FAILED - unknown delivery tag 1");
    Ok(())
}

async fn acknowledging_on_another_channel_closes_it(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, _, messages) = delivered(&channel, 1).await?;
    let other = channel.connection().channel(2).await?;
    let ack = basic::Ack {
        delivery_tag: messages[0].tag,
        multiple: false,
    };
    assert_eq!(other.refused(ack).await?.code, 406);
    channel.reject(messages[0].tag, true).await?;
    assert_eq!(channel.take_all(&queue).await?, ["0"]);
    Ok(())
}

async fn a_cumulative_ack_after_the_highest_was_settled_closes_the_channel(
    broker: Broker,
) -> Outcome {
    let channel = broker.channel().await?;
    let (_, _, messages) = delivered(&channel, 2).await?;
    channel.ack(messages[1].tag).await?;
    let ack = basic::Ack {
        delivery_tag: messages[1].tag,
        multiple: true,
    };
    let closed = channel.refused(ack).await?;
    assert_eq!(closed.text, "PRECONDITION_FAILED - unknown delivery tag 2");
    Ok(())
}

async fn rejecting_an_unknown_tag_closes_the_channel(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let closed = channel
        .refused(basic::Reject {
            delivery_tag: 7,
            requeue: true,
        })
        .await?;
    assert_eq!((closed.code, closed.method), (406, (60, 90)));
    assert_eq!(closed.text, "PRECONDITION_FAILED - unknown delivery tag 7");
    Ok(())
}

async fn a_single_ack_of_zero_closes_the_channel(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let closed = channel
        .refused(basic::Ack {
            delivery_tag: 0,
            multiple: false,
        })
        .await?;
    assert_eq!(closed.text, "PRECONDITION_FAILED - unknown delivery tag 0");
    Ok(())
}

async fn recover_brings_back_what_was_not_settled(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, _, _) = delivered(&channel, 2).await?;
    channel.call(basic::Recover { requeue: true }).await?;
    assert_eq!(channel.take_all(&queue).await?, ["0", "1"]);
    Ok(())
}

async fn recover_to_the_same_consumer_is_not_implemented(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let closed = channel
        .refused_hard(basic::Recover { requeue: false })
        .await?;
    assert_eq!(
        (closed.code, closed.text.as_str()),
        (540, "NOT_IMPLEMENTED - requeue=false")
    );
    Ok(())
}

async fn tags_go_on_counting_over_consumers_and_gets(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, _, messages) = delivered(&channel, 2).await?;
    assert_eq!(
        messages
            .iter()
            .map(|message| message.tag)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    channel.publish_texts("", &queue, &["x"]).await?;
    assert_eq!(channel.get(&queue).await?.expect("a message").tag, 3);
    // What needs no settling takes a number, too.
    channel.publish_texts("", &queue, &["y", "z"]).await?;
    assert_eq!(channel.take(&queue).await?.expect("a message").tag, 4);
    assert_eq!(channel.get(&queue).await?.expect("a message").tag, 5);
    Ok(())
}

async fn an_ack_after_the_queue_was_deleted_is_fine(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, _, messages) = delivered(&channel, 1).await?;
    let delete = rmq_tests::raw::queue::Delete {
        queue: queue.as_str().into(),
        ..Default::default()
    };
    channel.call(delete).await?;
    channel.ack(messages[0].tag).await?;
    channel.round_trip().await
}
