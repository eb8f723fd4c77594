//! Queues with a length.

use rmq_tests::raw::table::{number, table, text};
use rmq_tests::raw::{Content, FieldTable, Verdict};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    the_oldest_make_room
    what_made_room_counts_as_confirmed
    the_length_in_bytes_counts_bodies
    what_is_unacknowledged_does_not_count
    a_length_of_zero_keeps_nothing
    a_rejecting_queue_keeps_the_oldest
    a_rejected_message_goes_to_the_dead_letter_exchange_when_asked
    the_first_limit_that_is_reached_counts
}

fn length(limit: i32) -> FieldTable {
    table([("x-max-length", number(limit))])
}

async fn the_oldest_make_room(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(length(2)).await?;
    channel
        .publish_texts("", &queue, &["a", "b", "c", "d"])
        .await?;
    assert_eq!(channel.take_all(&queue).await?, ["c", "d"]);
    Ok(())
}

async fn what_made_room_counts_as_confirmed(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    let queue = channel.own_queue(length(1)).await?;
    for body in ["a", "b", "c"] {
        let verdict = channel
            .publish_and_wait("", &queue, Content::new(body))
            .await?;
        assert_eq!(verdict, Verdict::Acked);
    }
    assert_eq!(channel.take_all(&queue).await?, ["c"]);
    Ok(())
}

async fn the_length_in_bytes_counts_bodies(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel
        .own_queue(table([("x-max-length-bytes", number(10))]))
        .await?;
    channel
        .publish_texts("", &queue, &["aaaa", "bbbb", "cccc"])
        .await?;
    assert_eq!(channel.take_all(&queue).await?, ["bbbb", "cccc"]);
    channel
        .publish_texts("", &queue, &["much longer than that"])
        .await?;
    assert!(channel.take_all(&queue).await?.is_empty());
    Ok(())
}

async fn what_is_unacknowledged_does_not_count(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(length(1)).await?;
    channel.publish_texts("", &queue, &["held"]).await?;
    let held = channel.get(&queue).await?.expect("a message");
    channel.publish_texts("", &queue, &["ready"]).await?;
    assert_eq!(channel.counts(&queue).await?.0, 1);
    channel.ack(held.tag).await?;
    assert_eq!(channel.take_all(&queue).await?, ["ready"]);
    Ok(())
}

async fn a_length_of_zero_keeps_nothing(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(length(0)).await?;
    channel.publish_texts("", &queue, &["a"]).await?;
    assert!(channel.take_all(&queue).await?.is_empty());
    channel.consume(&queue).await?;
    channel.publish("", &queue, Content::new("b")).await?;
    assert_eq!(channel.delivery().await?.text(), "b");
    Ok(())
}

async fn a_rejecting_queue_keeps_the_oldest(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let arguments = table([
        ("x-max-length", number(2)),
        ("x-overflow", text("reject-publish")),
    ]);
    let queue = channel.own_queue(arguments).await?;
    channel
        .publish_texts("", &queue, &["a", "b", "c", "d"])
        .await?;
    assert_eq!(channel.take_all(&queue).await?, ["a", "b"]);
    Ok(())
}

async fn a_rejected_message_goes_to_the_dead_letter_exchange_when_asked(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    let dead = channel.own_queue(FieldTable::default()).await?;
    let arguments = table([
        ("x-max-length", number(1)),
        ("x-overflow", text("reject-publish-dlx")),
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(&dead)),
    ]);
    let queue = channel.own_queue(arguments).await?;
    let first = channel
        .publish_and_wait("", &queue, Content::new("a"))
        .await?;
    let second = channel
        .publish_and_wait("", &queue, Content::new("b"))
        .await?;
    assert_eq!((first, second), (Verdict::Acked, Verdict::Nacked));
    assert_eq!(channel.take_all(&queue).await?, ["a"]);
    channel.consume(&dead).await?;
    assert_eq!(channel.delivery().await?.text(), "b");
    Ok(())
}

async fn the_first_limit_that_is_reached_counts(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let arguments = table([
        ("x-max-length", number(3)),
        ("x-max-length-bytes", number(4)),
    ]);
    let queue = channel.own_queue(arguments).await?;
    channel
        .publish_texts("", &queue, &["aa", "bb", "cc"])
        .await?;
    assert_eq!(channel.take_all(&queue).await?, ["bb", "cc"]);
    channel
        .publish_texts("", &queue, &["a", "b", "c", "d"])
        .await?;
    assert_eq!(channel.take_all(&queue).await?, ["b", "c", "d"]);
    Ok(())
}
