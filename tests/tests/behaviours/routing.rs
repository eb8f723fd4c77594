//! Which queues a message reaches: direct, fanout, topic and the default exchange.

use rmq_tests::raw::{Channel, FieldTable, RawError};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    direct_takes_the_same_key_only
    direct_reaches_every_queue_of_a_key
    fanout_ignores_the_key
    topic_without_wildcards_is_direct
    a_star_is_exactly_one_word
    a_hash_is_any_number_of_words
    a_hash_alone_takes_everything
    a_hash_in_the_middle_takes_none_or_many
    wildcards_together
    an_empty_word_is_a_word
    a_wildcard_in_the_published_key_is_text
    keys_tell_upper_from_lower_case
    the_default_exchange_routes_by_queue_name
    a_key_of_255_bytes_routes
    two_matching_bindings_deliver_one_copy
}

/// Which of `keys` reach a queue that is bound to a new exchange with `patterns`.
async fn matching(
    channel: &Channel,
    kind: &str,
    patterns: &[&str],
    keys: &[&str],
) -> Result<Vec<String>, RawError> {
    let exchange = channel.exchange(kind, FieldTable::default()).await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    for pattern in patterns {
        channel.bind(&queue, &exchange, pattern).await?;
    }
    for key in keys {
        channel.publish_texts(&exchange, key, &[key]).await?;
    }
    channel.take_all(&queue).await
}

async fn direct_takes_the_same_key_only(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let found = matching(
        &channel,
        "direct",
        &["a.b"],
        &["a.b", "a", "a.b.c", "", "*"],
    )
    .await?;
    assert_eq!(found, ["a.b"]);
    Ok(())
}

async fn direct_reaches_every_queue_of_a_key(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let exchange = channel.exchange("direct", FieldTable::default()).await?;
    let mut queues = Vec::new();
    for _ in 0..3 {
        let queue = channel.own_queue(FieldTable::default()).await?;
        channel.bind(&queue, &exchange, "key").await?;
        queues.push(queue);
    }
    channel.publish_texts(&exchange, "key", &["x"]).await?;
    for queue in queues {
        assert_eq!(channel.take_all(&queue).await?, ["x"]);
    }
    Ok(())
}

async fn fanout_ignores_the_key(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let found = matching(&channel, "fanout", &["a"], &["a", "b", ""]).await?;
    assert_eq!(found, ["a", "b", ""]);
    Ok(())
}

async fn topic_without_wildcards_is_direct(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let found = matching(&channel, "topic", &["a.b"], &["a.b", "a", "a.b.c", "ab"]).await?;
    assert_eq!(found, ["a.b"]);
    Ok(())
}

async fn a_star_is_exactly_one_word(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let found = matching(
        &channel,
        "topic",
        &["a.*"],
        &["a", "a.b", "a.b.c", "b.a", "a."],
    )
    .await?;
    assert_eq!(found, ["a.b", "a."]);
    Ok(())
}

async fn a_hash_is_any_number_of_words(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let found = matching(
        &channel,
        "topic",
        &["a.#"],
        &["a", "a.b", "a.b.c", "b.a", "ab"],
    )
    .await?;
    assert_eq!(found, ["a", "a.b", "a.b.c"]);
    Ok(())
}

async fn a_hash_alone_takes_everything(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let found = matching(&channel, "topic", &["#"], &["", "a", "a.b.c.d"]).await?;
    assert_eq!(found, ["", "a", "a.b.c.d"]);
    Ok(())
}

async fn a_hash_in_the_middle_takes_none_or_many(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let keys = ["a.z", "a.b.z", "a.b.c.z", "a", "z", "a.b.z.c"];
    let found = matching(&channel, "topic", &["a.#.z"], &keys).await?;
    assert_eq!(found, ["a.z", "a.b.z", "a.b.c.z"]);
    Ok(())
}

async fn wildcards_together(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let keys = ["", "a", "a.b", "a.b.c", "x.a.b", "x.y.b.z"];
    let found = matching(&channel, "topic", &["*.#.b.#"], &keys).await?;
    assert_eq!(found, ["a.b", "a.b.c", "x.a.b", "x.y.b.z"]);
    Ok(())
}

async fn an_empty_word_is_a_word(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let found = matching(
        &channel,
        "topic",
        &["*.*"],
        &[".", "a.", ".a", "", "a", ".."],
    )
    .await?;
    assert_eq!(found, [".", "a.", ".a"]);
    Ok(())
}

async fn a_wildcard_in_the_published_key_is_text(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let found = matching(&channel, "topic", &["a.b"], &["a.*", "#", "a.b"]).await?;
    assert_eq!(found, ["a.b"]);
    Ok(())
}

async fn keys_tell_upper_from_lower_case(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    assert_eq!(
        matching(&channel, "direct", &["Key"], &["key", "KEY", "Key"]).await?,
        ["Key"]
    );
    assert_eq!(
        matching(&channel, "topic", &["Key.*"], &["key.a", "Key.a"]).await?,
        ["Key.a"]
    );
    Ok(())
}

async fn the_default_exchange_routes_by_queue_name(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let one = channel.own_queue(FieldTable::default()).await?;
    let two = channel.own_queue(FieldTable::default()).await?;
    channel.publish_texts("", &one, &["for one"]).await?;
    assert_eq!(channel.take_all(&one).await?, ["for one"]);
    assert_eq!(channel.counts(&two).await?.0, 0);
    Ok(())
}

async fn a_key_of_255_bytes_routes(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let key = "k".repeat(255);
    assert_eq!(matching(&channel, "direct", &[&key], &[&key]).await?, [key]);
    Ok(())
}

async fn two_matching_bindings_deliver_one_copy(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    assert_eq!(
        matching(&channel, "topic", &["a.*", "*.b", "#"], &["a.b"]).await?,
        ["a.b"]
    );
    Ok(())
}
