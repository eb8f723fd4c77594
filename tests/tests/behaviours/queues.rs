//! Declaring, emptying and deleting queues.

use rmq_tests::broker::unique;
use rmq_tests::raw::table::{table, text};
use rmq_tests::raw::{AMQPClass, Content, Event, FieldTable, Handshake, basic, queue};

use crate::stage::{Broker, Outcome, eventually};

on_each_broker! {
    the_broker_names_a_queue_without_a_name
    a_declare_tells_messages_and_consumers
    a_passive_declare_of_a_missing_queue_is_not_found
    another_durability_is_inequivalent
    another_auto_delete_is_inequivalent
    a_reserved_name_is_refused
    a_name_of_255_bytes_is_fine
    an_exclusive_queue_is_locked_for_others
    an_exclusive_queue_goes_with_its_connection
    an_auto_delete_queue_goes_with_its_last_consumer
    an_auto_delete_queue_without_a_consumer_yet_stays
    a_purge_takes_what_is_ready_and_counts_it
    a_purge_leaves_what_is_unacknowledged
    purging_a_missing_queue_is_not_found
    a_delete_counts_what_went
    deleting_a_missing_queue_is_fine
    if_empty_keeps_a_queue_that_is_not
    if_unused_keeps_a_queue_that_is_consumed
    deleting_a_queue_cancels_its_consumers
    a_client_that_can_not_be_cancelled_is_not_told
    nowait_declares_without_an_answer
}

fn declare(name: &str) -> queue::Declare {
    queue::Declare {
        queue: name.into(),
        ..Default::default()
    }
}

fn passive(name: &str) -> queue::Declare {
    queue::Declare {
        passive: true,
        ..declare(name)
    }
}

fn delete(name: &str) -> queue::Delete {
    queue::Delete {
        queue: name.into(),
        ..Default::default()
    }
}

async fn the_broker_names_a_queue_without_a_name(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let exclusive = queue::Declare {
        exclusive: true,
        ..Default::default()
    };
    let one = channel.call(exclusive.clone()).await?.queue.to_string();
    let two = channel.call(exclusive).await?.queue.to_string();
    assert!(
        one.starts_with("amq.gen-") && two.starts_with("amq.gen-") && one != two,
        "{one} {two}"
    );
    channel.publish_texts("", &one, &["x"]).await?;
    assert_eq!(channel.take_all(&one).await?, ["x"]);
    Ok(())
}

async fn a_declare_tells_messages_and_consumers(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = channel.durable_queue(FieldTable::default()).await?;
    channel.publish_texts("", &name, &["a", "b", "c"]).await?;
    let again = queue::Declare {
        durable: true,
        ..declare(&name)
    };
    let ok = channel.call(again).await?;
    assert_eq!(
        (ok.queue.as_str(), ok.message_count, ok.consumer_count),
        (name.as_str(), 3, 0)
    );
    channel.prefetch(1).await?;
    channel.consume(&name).await?;
    channel.delivery().await?;
    // What is unacknowledged is not counted.
    assert_eq!(channel.counts(&name).await?, (2, 1));
    channel.call(delete(&name)).await.map(drop)
}

async fn a_passive_declare_of_a_missing_queue_is_not_found(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("missing");
    let closed = channel.refused(passive(&name)).await?;
    assert_eq!((closed.code, closed.method), (404, (50, 10)));
    assert_eq!(
        closed.text,
        format!("NOT_FOUND - no queue '{name}' in vhost '/'")
    );
    Ok(())
}

async fn another_durability_is_inequivalent(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = channel.durable_queue(FieldTable::default()).await?;
    let closed = channel.refused(declare(&name)).await?;
    assert_eq!((closed.code, closed.method), (406, (50, 10)));
    assert_eq!(
        closed.text,
        format!(
            "PRECONDITION_FAILED - inequivalent arg 'durable' for queue '{name}' in vhost '/': \
             received 'false' but current is 'true'"
        )
    );
    Ok(())
}

async fn another_auto_delete_is_inequivalent(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = channel.durable_queue(FieldTable::default()).await?;
    let other = queue::Declare {
        durable: true,
        auto_delete: true,
        ..declare(&name)
    };
    let closed = channel.refused(other).await?;
    assert_eq!(closed.code, 406);
    assert!(
        closed.text.contains("inequivalent arg 'auto_delete'"),
        "{}",
        closed.text
    );
    Ok(())
}

async fn a_reserved_name_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = format!("amq.{}", unique("mine"));
    let closed = channel.refused(declare(&name)).await?;
    assert_eq!(closed.code, 403);
    assert_eq!(
        closed.text,
        format!("ACCESS_REFUSED - queue name '{name}' contains reserved prefix 'amq.*'")
    );
    Ok(())
}

async fn a_name_of_255_bytes_is_fine(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let mut name = unique("long");
    name.push_str(&"n".repeat(255 - name.len()));
    channel
        .call(queue::Declare {
            exclusive: true,
            ..declare(&name)
        })
        .await?;
    channel.publish_texts("", &name, &["x"]).await?;
    assert_eq!(channel.take_all(&name).await?, ["x"]);
    Ok(())
}

async fn an_exclusive_queue_is_locked_for_others(broker: Broker) -> Outcome {
    let owner = broker.channel().await?;
    let name = owner.own_queue(FieldTable::default()).await?;
    let other = broker.connection().await?;
    let text = format!(
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{name}' in vhost '/'"
    );
    for request in 0..3 {
        let channel = other.channel(1).await?;
        let closed = match request {
            0 => channel.refused(passive(&name)).await?,
            1 => {
                channel
                    .refused(basic::Consume {
                        queue: name.as_str().into(),
                        ..Default::default()
                    })
                    .await?
            }
            _ => channel.refused(delete(&name)).await?,
        };
        assert_eq!(closed.code, 405);
        assert!(closed.text.starts_with(&text), "{}", closed.text);
    }
    Ok(())
}

async fn an_exclusive_queue_goes_with_its_connection(broker: Broker) -> Outcome {
    let owner = broker.channel().await?;
    let name = owner.own_queue(FieldTable::default()).await?;
    owner.connection().close().await?;
    let watcher = broker.connection().await?;
    eventually("the queue is gone", async || {
        let closed = watcher.channel(1).await?.refused(passive(&name)).await?;
        Ok(closed.code == 404)
    })
    .await
}

async fn an_auto_delete_queue_goes_with_its_last_consumer(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    let channel = connection.channel(1).await?;
    let name = unique("auto");
    channel
        .call(queue::Declare {
            auto_delete: true,
            durable: true,
            ..declare(&name)
        })
        .await?;
    let one = channel.consume(&name).await?;
    let two = channel.consume(&name).await?;
    channel
        .call(basic::Cancel {
            consumer_tag: one.as_str().into(),
            nowait: false,
        })
        .await?;
    channel.counts(&name).await?;
    channel
        .call(basic::Cancel {
            consumer_tag: two.as_str().into(),
            nowait: false,
        })
        .await?;
    eventually("the queue is gone", async || {
        let probe = connection.channel(2).await?;
        match probe.counts(&name).await {
            Ok(_) => probe.close().await.map(|()| false),
            Err(error) => {
                assert_eq!(
                    error.close().map(|closed| closed.code),
                    Some(404),
                    "{error}"
                );
                probe
                    .send(rmq_tests::raw::channels::CloseOk {})
                    .await
                    .map(|()| true)
            }
        }
    })
    .await
}

async fn an_auto_delete_queue_without_a_consumer_yet_stays(broker: Broker) -> Outcome {
    let name = unique("auto");
    let channel = broker.channel().await?;
    channel
        .call(queue::Declare {
            auto_delete: true,
            durable: true,
            ..declare(&name)
        })
        .await?;
    channel.connection().close().await?;
    let other = broker.channel().await?;
    other.counts(&name).await?;
    other.call(delete(&name)).await.map(drop)
}

async fn a_purge_takes_what_is_ready_and_counts_it(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = channel.own_queue(FieldTable::default()).await?;
    channel.publish_texts("", &name, &["a", "b", "c"]).await?;
    let purge = queue::Purge {
        queue: name.as_str().into(),
        nowait: false,
    };
    assert_eq!(channel.call(purge.clone()).await?.message_count, 3);
    assert_eq!(channel.call(purge).await?.message_count, 0);
    Ok(())
}

async fn a_purge_leaves_what_is_unacknowledged(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = channel.own_queue(FieldTable::default()).await?;
    channel.publish_texts("", &name, &["held", "ready"]).await?;
    let held = channel.get(&name).await?.expect("a message");
    let purge = queue::Purge {
        queue: name.as_str().into(),
        nowait: false,
    };
    assert_eq!(channel.call(purge).await?.message_count, 1);
    channel.reject(held.tag, true).await?;
    assert_eq!(channel.take_all(&name).await?, ["held"]);
    Ok(())
}

async fn purging_a_missing_queue_is_not_found(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = unique("missing").as_str().into();
    let closed = channel
        .refused(queue::Purge {
            queue,
            nowait: false,
        })
        .await?;
    assert_eq!((closed.code, closed.method), (404, (50, 30)));
    Ok(())
}

async fn a_delete_counts_what_went(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = channel.durable_queue(FieldTable::default()).await?;
    channel.publish_texts("", &name, &["a", "b"]).await?;
    assert_eq!(channel.call(delete(&name)).await?.message_count, 2);
    assert_eq!(channel.refused(passive(&name)).await?.code, 404);
    Ok(())
}

async fn deleting_a_missing_queue_is_fine(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    assert_eq!(
        channel
            .call(delete(&unique("missing")))
            .await?
            .message_count,
        0
    );
    Ok(())
}

async fn if_empty_keeps_a_queue_that_is_not(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = channel.own_queue(FieldTable::default()).await?;
    channel.publish_texts("", &name, &["a"]).await?;
    let closed = channel
        .refused(queue::Delete {
            if_empty: true,
            ..delete(&name)
        })
        .await?;
    assert_eq!(closed.code, 406);
    assert_eq!(
        closed.text,
        format!("PRECONDITION_FAILED - queue '{name}' in vhost '/' not empty")
    );
    Ok(())
}

async fn if_unused_keeps_a_queue_that_is_consumed(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = channel.own_queue(FieldTable::default()).await?;
    channel.consume(&name).await?;
    let closed = channel
        .refused(queue::Delete {
            if_unused: true,
            ..delete(&name)
        })
        .await?;
    assert_eq!(closed.code, 406);
    assert_eq!(
        closed.text,
        format!("PRECONDITION_FAILED - queue '{name}' in vhost '/' in use")
    );
    Ok(())
}

async fn deleting_a_queue_cancels_its_consumers(broker: Broker) -> Outcome {
    let consumer = broker.channel().await?;
    let name = consumer.durable_queue(FieldTable::default()).await?;
    let tag = consumer.consume(&name).await?;
    broker.channel().await?.call(delete(&name)).await?;
    let cancel: basic::Cancel = consumer.expect().await?;
    assert_eq!(cancel.consumer_tag.as_str(), tag);
    consumer.round_trip().await
}

async fn a_client_that_can_not_be_cancelled_is_not_told(broker: Broker) -> Outcome {
    let plain = Handshake {
        properties: table([("product", text("old"))]),
        ..Handshake::default()
    };
    let consumer = broker.open(plain).await?.channel(1).await?;
    let name = consumer.durable_queue(FieldTable::default()).await?;
    let spare = consumer.own_queue(FieldTable::default()).await?;
    consumer.consume(&name).await?;
    broker.channel().await?.call(delete(&name)).await?;
    let told = consumer.told(&spare).await?;
    let cancelled = |event: &Event| {
        matches!(
            event,
            Event::Method(AMQPClass::Basic(basic::AMQPMethod::Cancel(_)))
        )
    };
    assert!(!told.iter().any(cancelled), "{told:?}");
    Ok(())
}

async fn nowait_declares_without_an_answer(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("silent");
    channel
        .send(queue::Declare {
            nowait: true,
            exclusive: true,
            ..declare(&name)
        })
        .await?;
    channel.publish("", &name, Content::new("x")).await?;
    assert_eq!(channel.take_all(&name).await?, ["x"]);
    Ok(())
}
