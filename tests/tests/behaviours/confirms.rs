//! Confirms and returns.

use rmq_tests::broker::unique;
use rmq_tests::raw::table::{number, table, text};
use rmq_tests::raw::{
    AMQPClass, Channel, Content, Event, FieldTable, Properties, RawError, Verdict, basic, confirm,
    queue, tx,
};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    a_routed_message_is_acked
    a_persistent_message_in_a_durable_queue_is_acked
    a_message_in_a_quorum_queue_is_acked
    an_unroutable_message_is_acked
    a_return_comes_before_its_ack
    tags_begin_at_one_and_cover_every_publish
    tags_are_counted_for_each_channel
    selecting_twice_is_fine
    selecting_without_an_answer_works
    a_transactional_channel_can_not_confirm
    a_full_queue_that_rejects_nacks
    a_nack_by_one_queue_does_not_undo_another
    a_missing_exchange_closes_the_channel_without_a_verdict
    returns_and_acks_in_one_burst_match
    messages_before_the_select_are_not_confirmed
}

/// The tags that `count` publishes were answered with, in the order of their answers.
async fn verdicts(channel: &Channel, count: u64) -> Result<Vec<(u64, bool)>, RawError> {
    let mut open: Vec<u64> = (1..=count).collect();
    let mut told = Vec::new();
    while !open.is_empty() {
        let (tag, multiple, good) = match channel.event().await? {
            Event::Method(AMQPClass::Basic(basic::AMQPMethod::Ack(ack))) => {
                (ack.delivery_tag, ack.multiple, true)
            }
            Event::Method(AMQPClass::Basic(basic::AMQPMethod::Nack(nack))) => {
                (nack.delivery_tag, nack.multiple, false)
            }
            other => {
                return Err(RawError::new(format!(
                    "a verdict was due, and {other:?} came"
                )));
            }
        };
        let (now, later): (Vec<u64>, Vec<u64>) = open
            .iter()
            .partition(|one| **one == tag || (multiple && **one < tag));
        assert!(
            !now.is_empty(),
            "a verdict on {tag}, which was told already"
        );
        told.extend(now.into_iter().map(|one| (one, good)));
        open = later;
    }
    Ok(told)
}

async fn acked(broker: &Broker, arguments: FieldTable) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    let queue = channel.durable_queue(arguments).await?;
    let content = Content::with("x", Properties::default().with_delivery_mode(2))?;
    assert_eq!(
        channel.publish_and_wait("", &queue, content).await?,
        Verdict::Acked
    );
    assert_eq!(channel.take_all(&queue).await?, ["x"]);
    channel
        .call(queue::Delete {
            queue: queue.as_str().into(),
            ..Default::default()
        })
        .await
        .map(drop)
}

async fn a_routed_message_is_acked(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    let verdict = channel
        .publish_and_wait("", &queue, Content::new("x"))
        .await?;
    assert_eq!(verdict, Verdict::Acked);
    Ok(())
}

async fn a_persistent_message_in_a_durable_queue_is_acked(broker: Broker) -> Outcome {
    acked(&broker, FieldTable::default()).await
}

async fn a_message_in_a_quorum_queue_is_acked(broker: Broker) -> Outcome {
    acked(&broker, table([("x-queue-type", text("quorum"))])).await
}

async fn an_unroutable_message_is_acked(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    channel
        .publish("", &unique("nobody"), Content::new("x"))
        .await?;
    assert_eq!(verdicts(&channel, 1).await?, [(1, true)]);
    Ok(())
}

async fn a_return_comes_before_its_ack(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    channel
        .publish_with("", &unique("nobody"), true, Content::new("x"))
        .await?;
    let first = channel.event().await?;
    assert!(
        matches!(&first, Event::Message(message) if message.returned.is_some()),
        "{first:?}"
    );
    assert_eq!(verdicts(&channel, 1).await?, [(1, true)]);
    Ok(())
}

async fn tags_begin_at_one_and_cover_every_publish(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    for _ in 0..300 {
        channel.publish("", &queue, Content::new("x")).await?;
    }
    let told = verdicts(&channel, 300).await?;
    assert_eq!(told.len(), 300);
    assert!(told.iter().all(|(_, good)| *good));
    Ok(())
}

async fn tags_are_counted_for_each_channel(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    let (one, two) = (connection.channel(1).await?, connection.channel(2).await?);
    let queue = one.own_queue(FieldTable::default()).await?;
    for channel in [&one, &two] {
        channel.confirm_select().await?;
        channel.publish("", &queue, Content::new("x")).await?;
    }
    assert_eq!(verdicts(&two, 1).await?, [(1, true)]);
    assert_eq!(verdicts(&one, 1).await?, [(1, true)]);
    Ok(())
}

async fn selecting_twice_is_fine(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    channel
        .publish("", &unique("nobody"), Content::new("x"))
        .await?;
    channel.confirm_select().await?;
    channel
        .publish("", &unique("nobody"), Content::new("x"))
        .await?;
    assert_eq!(verdicts(&channel, 2).await?.len(), 2);
    Ok(())
}

async fn selecting_without_an_answer_works(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.send(confirm::Select { nowait: true }).await?;
    channel
        .publish("", &unique("nobody"), Content::new("x"))
        .await?;
    assert_eq!(verdicts(&channel, 1).await?, [(1, true)]);
    Ok(())
}

async fn a_transactional_channel_can_not_confirm(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.call(tx::Select {}).await?;
    let closed = channel.refused(confirm::Select { nowait: false }).await?;
    assert_eq!(closed.code, 406);
    assert_eq!(
        closed.text,
        "PRECONDITION_FAILED - cannot switch from tx to confirm mode"
    );
    Ok(())
}

fn rejecting(length: i32) -> FieldTable {
    table([
        ("x-max-length", number(length)),
        ("x-overflow", text("reject-publish")),
    ])
}

async fn a_full_queue_that_rejects_nacks(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    let queue = channel.own_queue(rejecting(2)).await?;
    let mut told = Vec::new();
    for body in ["a", "b", "c"] {
        told.push(
            channel
                .publish_and_wait("", &queue, Content::new(body))
                .await?,
        );
    }
    assert_eq!(told, [Verdict::Acked, Verdict::Acked, Verdict::Nacked]);
    assert_eq!(channel.take_all(&queue).await?, ["a", "b"]);
    let verdict = channel
        .publish_and_wait("", &queue, Content::new("d"))
        .await?;
    assert_eq!(verdict, Verdict::Acked, "there is room again");
    Ok(())
}

async fn a_nack_by_one_queue_does_not_undo_another(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    let exchange = channel.exchange("fanout", FieldTable::default()).await?;
    let full = channel.own_queue(rejecting(1)).await?;
    let open = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&full, &exchange, "").await?;
    channel.bind(&open, &exchange, "").await?;
    let first = channel
        .publish_and_wait(&exchange, "", Content::new("a"))
        .await?;
    let second = channel
        .publish_and_wait(&exchange, "", Content::new("b"))
        .await?;
    assert_eq!((first, second), (Verdict::Acked, Verdict::Nacked));
    assert_eq!(channel.take_all(&full).await?, ["a"]);
    assert_eq!(channel.take_all(&open).await?, ["a", "b"]);
    Ok(())
}

async fn a_missing_exchange_closes_the_channel_without_a_verdict(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    channel
        .publish(&unique("missing"), "key", Content::new("x"))
        .await?;
    match channel.event().await? {
        Event::Method(AMQPClass::Channel(rmq_tests::raw::channels::AMQPMethod::Close(close))) => {
            assert_eq!(
                (close.reply_code, close.class_id, close.method_id),
                (404, 60, 40)
            );
            Ok(())
        }
        other => panic!("channel.close was due, and {other:?} came"),
    }
}

async fn returns_and_acks_in_one_burst_match(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    let nobody = unique("nobody");
    for number in 0..200_u32 {
        let key = if number % 10 == 3 { &nobody } else { &queue };
        channel
            .publish_with("", key, true, Content::new(number.to_string()))
            .await?;
    }
    let (mut returned, mut acked) = (Vec::new(), std::collections::BTreeSet::new());
    while acked.len() < 200 {
        match channel.event().await? {
            Event::Message(message) => {
                let number: u64 = message.text().parse().unwrap();
                assert!(
                    !acked.contains(&(number + 1)),
                    "returned after its ack: {number}"
                );
                returned.push(number);
            }
            Event::Method(AMQPClass::Basic(basic::AMQPMethod::Ack(ack))) => {
                let from = if ack.multiple { 1 } else { ack.delivery_tag };
                acked.extend(from..=ack.delivery_tag);
            }
            other => panic!("a verdict was due, and {other:?} came"),
        }
    }
    assert_eq!(
        returned,
        (0..200)
            .filter(|number| number % 10 == 3)
            .collect::<Vec<u64>>()
    );
    Ok(())
}

async fn messages_before_the_select_are_not_confirmed(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.publish_texts("", &queue, &["before"]).await?;
    channel.confirm_select().await?;
    channel.publish("", &queue, Content::new("after")).await?;
    assert_eq!(verdicts(&channel, 1).await?, [(1, true)]);
    Ok(())
}
