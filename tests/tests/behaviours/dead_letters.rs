//! Dead letters, and what `x-death` says of them.

use rmq_tests::broker::{Release, unique};
use rmq_tests::raw::table::{as_number, as_text, number, table, text};
use rmq_tests::raw::{AMQPValue, Channel, Content, FieldTable, Message, Properties, RawError};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    a_rejected_message_is_dead_lettered
    a_nacked_message_is_dead_lettered
    a_requeued_message_is_not
    an_expired_message_is_dead_lettered
    a_message_that_made_room_is_dead_lettered
    the_key_stays_unless_the_queue_names_one
    an_entry_tells_the_whole_story
    an_entry_keeps_the_expiration_and_takes_it_from_the_message
    the_first_death_is_told_apart
    a_second_death_of_the_same_kind_is_counted
    the_latest_death_stands_first
    a_missing_dead_letter_exchange_drops
    a_dead_letter_without_a_route_is_dropped
    a_circle_of_expiries_ends
    dead_letters_keep_their_order
    the_body_and_the_properties_stay
    purged_and_deleted_messages_are_no_dead_letters
}

/// A queue whose dead letters go to another one: both names.
async fn pair(
    channel: &Channel,
    more: Vec<(&str, AMQPValue)>,
) -> Result<(String, String), RawError> {
    let dead = channel.own_queue(FieldTable::default()).await?;
    let mut arguments = table([
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(&dead)),
    ]);
    for (name, value) in more {
        arguments.insert(name.into(), value);
    }
    Ok((channel.own_queue(arguments).await?, dead))
}

/// Waits for the next dead letter, and settles it.
async fn next(channel: &Channel, dead: &str) -> Result<Message, RawError> {
    let own = channel.connection().channel(99).await?;
    own.consume(dead).await?;
    let message = own.delivery().await?;
    own.ack(message.tag).await?;
    own.close().await?;
    Ok(message)
}

fn deaths(message: &Message) -> Result<Vec<FieldTable>, RawError> {
    let Some(AMQPValue::FieldArray(list)) = message.header("x-death")? else {
        return Err(RawError::new(format!(
            "no x-death in {:?}",
            message.headers()?
        )));
    };
    Ok(list
        .as_slice()
        .iter()
        .filter_map(|entry| match entry {
            AMQPValue::FieldTable(table) => Some(table.clone()),
            _ => None,
        })
        .collect())
}

fn field(entry: &FieldTable, name: &str) -> String {
    entry.inner().get(name).map(as_text).unwrap_or_default()
}

fn count(entry: &FieldTable) -> Option<i64> {
    entry.inner().get("count").and_then(as_number)
}

async fn reason(broker: &Broker, requeue: Option<bool>) -> Result<Option<String>, RawError> {
    let channel = broker.channel().await?;
    let (queue, dead) = pair(&channel, vec![]).await?;
    channel.publish_texts("", &queue, &["x"]).await?;
    let message = channel.get(&queue).await?.expect("a message");
    match requeue {
        Some(requeue) => channel.reject(message.tag, requeue).await?,
        None => {
            let nack = rmq_tests::raw::basic::Nack {
                delivery_tag: message.tag,
                multiple: false,
                requeue: false,
            };
            channel.send(nack).await?;
        }
    }
    if requeue == Some(true) {
        assert_eq!(channel.take_all(&queue).await?, ["x"]);
        assert_eq!(channel.counts(&dead).await?.0, 0);
        return Ok(None);
    }
    Ok(Some(field(
        &deaths(&next(&channel, &dead).await?)?[0],
        "reason",
    )))
}

async fn a_rejected_message_is_dead_lettered(broker: Broker) -> Outcome {
    assert_eq!(
        reason(&broker, Some(false)).await?.as_deref(),
        Some("rejected")
    );
    Ok(())
}

async fn a_nacked_message_is_dead_lettered(broker: Broker) -> Outcome {
    assert_eq!(reason(&broker, None).await?.as_deref(), Some("rejected"));
    Ok(())
}

async fn a_requeued_message_is_not(broker: Broker) -> Outcome {
    assert_eq!(reason(&broker, Some(true)).await?, None);
    Ok(())
}

async fn an_expired_message_is_dead_lettered(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, dead) = pair(&channel, vec![("x-message-ttl", number(50))]).await?;
    channel.publish_texts("", &queue, &["x"]).await?;
    let message = next(&channel, &dead).await?;
    assert_eq!(field(&deaths(&message)?[0], "reason"), "expired");
    Ok(())
}

async fn a_message_that_made_room_is_dead_lettered(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, dead) = pair(&channel, vec![("x-max-length", number(1))]).await?;
    channel.publish_texts("", &queue, &["old", "new"]).await?;
    let message = next(&channel, &dead).await?;
    assert_eq!(
        (
            message.text().as_str(),
            field(&deaths(&message)?[0], "reason").as_str()
        ),
        ("old", "maxlen")
    );
    assert_eq!(channel.take_all(&queue).await?, ["new"]);
    Ok(())
}

async fn the_key_stays_unless_the_queue_names_one(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let exchange = channel.exchange("fanout", FieldTable::default()).await?;
    let dead = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&dead, &exchange, "").await?;
    let plain = channel
        .own_queue(table([("x-dead-letter-exchange", text(&exchange))]))
        .await?;
    let named = table([
        ("x-dead-letter-exchange", text(&exchange)),
        ("x-dead-letter-routing-key", text("another")),
    ]);
    let named = channel.own_queue(named).await?;
    for (queue, key) in [(&plain, plain.as_str()), (&named, "another")] {
        channel.publish_texts("", queue, &["x"]).await?;
        let message = channel.get(queue).await?.expect("a message");
        channel.reject(message.tag, false).await?;
        let letter = next(&channel, &dead).await?;
        assert_eq!(
            (letter.exchange.as_str(), letter.routing_key.as_str()),
            (exchange.as_str(), key)
        );
    }
    Ok(())
}

async fn an_entry_tells_the_whole_story(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let exchange = channel.exchange("direct", FieldTable::default()).await?;
    let (queue, dead) = pair(&channel, vec![]).await?;
    channel.bind(&queue, &exchange, "key").await?;
    channel.publish_texts(&exchange, "key", &["x"]).await?;
    let message = channel.get(&queue).await?.expect("a message");
    channel.reject(message.tag, false).await?;
    let entries = deaths(&next(&channel, &dead).await?)?;
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!(count(entry), Some(1));
    assert_eq!(field(entry, "queue"), queue);
    assert_eq!(field(entry, "reason"), "rejected");
    assert_eq!(field(entry, "exchange"), exchange);
    let Some(AMQPValue::FieldArray(keys)) = entry.inner().get("routing-keys") else {
        panic!("no routing-keys in {entry:?}");
    };
    assert_eq!(
        keys.as_slice().iter().map(as_text).collect::<Vec<_>>(),
        ["key"]
    );
    assert!(
        matches!(entry.inner().get("time"), Some(AMQPValue::Timestamp(_))),
        "{entry:?}"
    );
    Ok(())
}

async fn an_entry_keeps_the_expiration_and_takes_it_from_the_message(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, dead) = pair(&channel, vec![]).await?;
    let properties = Properties::default().with_expiration("50".into());
    channel
        .publish("", &queue, Content::with("x", properties)?)
        .await?;
    let message = next(&channel, &dead).await?;
    assert_eq!(*message.properties()?.expiration(), None);
    assert_eq!(field(&deaths(&message)?[0], "original-expiration"), "50");
    Ok(())
}

async fn the_first_death_is_told_apart(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, dead) = pair(&channel, vec![]).await?;
    channel.publish_texts("", &queue, &["x"]).await?;
    let message = channel.get(&queue).await?.expect("a message");
    channel.reject(message.tag, false).await?;
    let message = next(&channel, &dead).await?;
    let header = |name: &str| {
        message
            .header(name)
            .map(|value| value.as_ref().map(as_text))
    };
    assert_eq!(header("x-first-death-queue")?, Some(queue.clone()));
    assert_eq!(header("x-first-death-reason")?.as_deref(), Some("rejected"));
    assert_eq!(header("x-first-death-exchange")?.as_deref(), Some(""));
    // 4.0 tells the last one, too, and so does the embedded broker.
    let last = header("x-last-death-queue")?;
    assert_eq!(last, (!broker.is(Release::V3)).then_some(queue));
    Ok(())
}

/// Sends a message round and round between two queues, rejected in the first, so many times.
async fn circle(channel: &Channel, rounds: usize) -> Result<(String, Message), RawError> {
    let (queue, dead) = pair(channel, vec![]).await?;
    channel.publish_texts("", &queue, &["x"]).await?;
    let mut letter = None;
    for _ in 0..rounds {
        let message = channel.get(&queue).await?.expect("a message");
        channel.reject(message.tag, false).await?;
        let message = next(channel, &dead).await?;
        channel.publish("", &queue, message.content.clone()).await?;
        channel.round_trip().await?;
        letter = Some(message);
    }
    Ok((queue, letter.expect("a round")))
}

async fn a_second_death_of_the_same_kind_is_counted(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (_, message) = circle(&channel, 3).await?;
    let entries = deaths(&message)?;
    // A client sends the dead letter again: 3.10 goes on counting in the header that it finds, 4.0 begins anew.
    let counts: Vec<Option<i64>> = entries.iter().map(count).collect();
    assert_eq!(counts, [Some(if broker.is(Release::V4) { 1 } else { 3 })]);
    Ok(())
}

async fn the_latest_death_stands_first(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let last = channel.own_queue(FieldTable::default()).await?;
    let to = |queue: &str| {
        table([
            ("x-dead-letter-exchange", text("")),
            ("x-dead-letter-routing-key", text(queue)),
        ])
    };
    let second = channel.own_queue(to(&last)).await?;
    let mut arguments = to(&second);
    arguments.insert("x-message-ttl".into(), number(50));
    let first = channel.own_queue(arguments).await?;
    channel.publish_texts("", &first, &["x"]).await?;
    channel.consume(&second).await?;
    let message = channel.delivery().await?;
    channel.reject(message.tag, false).await?;
    let entries = deaths(&next(&channel, &last).await?)?;
    let story: Vec<(String, String)> = entries
        .iter()
        .map(|entry| (field(entry, "queue"), field(entry, "reason")))
        .collect();
    assert_eq!(
        story,
        [
            (second, "rejected".to_owned()),
            (first, "expired".to_owned())
        ]
    );
    Ok(())
}

async fn a_missing_dead_letter_exchange_drops(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let arguments = table([("x-dead-letter-exchange", text(&unique("missing")))]);
    let queue = channel.own_queue(arguments).await?;
    channel.publish_texts("", &queue, &["x"]).await?;
    let message = channel.get(&queue).await?.expect("a message");
    channel.reject(message.tag, false).await?;
    assert!(channel.told(&queue).await?.is_empty());
    assert_eq!(channel.counts(&queue).await?.0, 0);
    Ok(())
}

async fn a_dead_letter_without_a_route_is_dropped(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let arguments = table([
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(&unique("nobody"))),
    ]);
    let queue = channel.own_queue(arguments).await?;
    channel.publish_texts("", &queue, &["x"]).await?;
    let message = channel.get(&queue).await?.expect("a message");
    channel.reject(message.tag, false).await?;
    assert!(channel.told(&queue).await?.is_empty());
    Ok(())
}

async fn a_circle_of_expiries_ends(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("circle");
    let declare = rmq_tests::raw::queue::Declare {
        queue: name.as_str().into(),
        exclusive: true,
        arguments: table([
            ("x-message-ttl", number(50)),
            ("x-dead-letter-exchange", text("")),
            ("x-dead-letter-routing-key", text(&name)),
        ]),
        ..Default::default()
    };
    channel.call(declare).await?;
    channel.publish_texts("", &name, &["x"]).await?;
    crate::stage::eventually("the circle ends", async || {
        Ok(channel.counts(&name).await?.0 == 0)
    })
    .await
}

async fn dead_letters_keep_their_order(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, dead) = pair(&channel, vec![("x-message-ttl", number(100))]).await?;
    let all: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let texts: Vec<&str> = all.iter().map(String::as_str).collect();
    channel.publish_texts("", &queue, &texts).await?;
    channel.consume(&dead).await?;
    let letters: Vec<String> = channel
        .deliveries(50)
        .await?
        .iter()
        .map(Message::text)
        .collect();
    assert_eq!(letters, all);
    Ok(())
}

async fn the_body_and_the_properties_stay(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, dead) = pair(&channel, vec![]).await?;
    let properties = Properties::default()
        .with_message_id("id-1".into())
        .with_delivery_mode(2)
        .with_correlation_id("c-1".into())
        .with_headers(table([("tenant", text("a"))]));
    let content = Content::with(vec![5_u8; 200_000], properties)?;
    channel.publish("", &queue, content.clone()).await?;
    channel.round_trip().await?;
    let message = channel.get(&queue).await?.expect("a message");
    channel.reject(message.tag, false).await?;
    let letter = next(&channel, &dead).await?;
    assert!(letter.content.body == content.body);
    let kept = letter.properties()?;
    assert_eq!(
        kept.message_id().as_ref().map(|id| id.as_str()),
        Some("id-1")
    );
    assert_eq!(*kept.delivery_mode(), Some(2));
    assert_eq!(letter.header("tenant")?, Some(text("a")));
    Ok(())
}

async fn purged_and_deleted_messages_are_no_dead_letters(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let (queue, dead) = pair(&channel, vec![]).await?;
    channel.publish_texts("", &queue, &["purged"]).await?;
    let purge = rmq_tests::raw::queue::Purge {
        queue: queue.as_str().into(),
        nowait: false,
    };
    channel.call(purge).await?;
    channel.publish_texts("", &queue, &["deleted"]).await?;
    let delete = rmq_tests::raw::queue::Delete {
        queue: queue.as_str().into(),
        ..Default::default()
    };
    channel.call(delete).await?;
    assert!(channel.told(&dead).await?.is_empty());
    assert_eq!(channel.counts(&dead).await?.0, 0);
    Ok(())
}
