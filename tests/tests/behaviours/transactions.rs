//! Transactions.

use rmq_tests::broker::unique;
use rmq_tests::raw::{Content, Event, FieldTable, tx};

use crate::stage::{Broker, Outcome, back_after_close, eventually};

on_each_broker! {
    a_commit_publishes
    nothing_is_published_before_the_commit
    a_rollback_drops_what_was_published
    acks_take_effect_at_the_commit
    a_rollback_takes_acks_back
    a_commit_without_a_select_is_refused
    a_rollback_without_a_select_is_refused
    a_confirming_channel_can_not_be_transactional
    an_unroutable_mandatory_message_is_returned_at_the_commit
    a_lost_channel_drops_what_was_not_committed
}

async fn a_commit_publishes(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.call(tx::Select {}).await?;
    channel.send_texts("", &queue, &["a", "b"]).await?;
    channel.call(tx::Commit {}).await?;
    assert_eq!(channel.take_all(&queue).await?, ["a", "b"]);
    Ok(())
}

async fn nothing_is_published_before_the_commit(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.call(tx::Select {}).await?;
    channel.send_texts("", &queue, &["a"]).await?;
    assert_eq!(channel.counts(&queue).await?.0, 0);
    channel.call(tx::Commit {}).await?;
    assert_eq!(channel.counts(&queue).await?.0, 1);
    Ok(())
}

async fn a_rollback_drops_what_was_published(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.call(tx::Select {}).await?;
    channel.send_texts("", &queue, &["dropped"]).await?;
    channel.call(tx::Rollback {}).await?;
    channel.send_texts("", &queue, &["kept"]).await?;
    channel.call(tx::Commit {}).await?;
    assert_eq!(channel.take_all(&queue).await?, ["kept"]);
    Ok(())
}

async fn acks_take_effect_at_the_commit(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.publish_texts("", &queue, &["acked", "not"]).await?;
    channel.call(tx::Select {}).await?;
    let first = channel.get(&queue).await?.expect("a message");
    channel.ack(first.tag).await?;
    channel.call(tx::Commit {}).await?;
    let second = channel.get(&queue).await?.expect("a message");
    // This ack is never committed.
    channel.ack(second.tag).await?;
    let other = channel.connection().channel(2).await?;
    channel.close().await?;
    eventually("one is back", async || {
        Ok(other.counts(&queue).await?.0 == 1)
    })
    .await?;
    assert_eq!(other.take_all(&queue).await?, ["not"]);
    Ok(())
}

async fn a_rollback_takes_acks_back(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.publish_texts("", &queue, &["a"]).await?;
    channel.call(tx::Select {}).await?;
    let message = channel.get(&queue).await?.expect("a message");
    channel.ack(message.tag).await?;
    channel.call(tx::Rollback {}).await?;
    // Still to be settled by this channel.
    channel.ack(message.tag).await?;
    channel.call(tx::Commit {}).await?;
    assert!(back_after_close(channel, &queue).await?.is_empty());
    Ok(())
}

async fn a_commit_without_a_select_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let closed = channel.refused(tx::Commit {}).await?;
    assert_eq!(
        (closed.code, closed.text.as_str()),
        (406, "PRECONDITION_FAILED - channel is not transactional")
    );
    Ok(())
}

async fn a_rollback_without_a_select_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let closed = channel.refused(tx::Rollback {}).await?;
    assert_eq!(
        (closed.code, closed.text.as_str()),
        (406, "PRECONDITION_FAILED - channel is not transactional")
    );
    Ok(())
}

async fn a_confirming_channel_can_not_be_transactional(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    let closed = channel.refused(tx::Select {}).await?;
    assert_eq!(
        (closed.code, closed.text.as_str()),
        (
            406,
            "PRECONDITION_FAILED - cannot switch from confirm to tx mode"
        )
    );
    Ok(())
}

async fn an_unroutable_mandatory_message_is_returned_at_the_commit(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.call(tx::Select {}).await?;
    channel
        .publish_with("", &unique("nobody"), true, Content::new("x"))
        .await?;
    assert!(channel.told(&queue).await?.is_empty());
    channel.call(tx::Commit {}).await?;
    let event = channel.event().await?;
    assert!(
        matches!(&event, Event::Message(message) if message.returned.is_some()),
        "{event:?}"
    );
    Ok(())
}

async fn a_lost_channel_drops_what_was_not_committed(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.call(tx::Select {}).await?;
    channel.send_texts("", &queue, &["x"]).await?;
    let other = channel.connection().channel(2).await?;
    channel.close().await?;
    assert!(other.take_all(&queue).await?.is_empty());
    Ok(())
}
