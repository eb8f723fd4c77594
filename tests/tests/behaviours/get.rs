//! Fetching one message.

use rmq_tests::broker::unique;
use rmq_tests::raw::{Content, FieldTable, basic};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    an_empty_queue_gives_nothing
    a_get_tells_how_many_are_left
    what_was_got_is_hidden_until_it_is_settled
    a_get_without_ack_is_settled
    getting_from_a_missing_queue_is_not_found
    a_get_says_where_the_message_came_from
}

async fn an_empty_queue_gives_nothing(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    assert_eq!(channel.get(&queue).await?, None);
    Ok(())
}

async fn a_get_tells_how_many_are_left(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.publish_texts("", &queue, &["a", "b", "c"]).await?;
    for left in [2, 1, 0] {
        assert_eq!(
            channel.get(&queue).await?.expect("a message").left,
            Some(left)
        );
    }
    Ok(())
}

async fn what_was_got_is_hidden_until_it_is_settled(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.publish_texts("", &queue, &["a"]).await?;
    let message = channel.get(&queue).await?.expect("a message");
    assert_eq!(channel.get(&queue).await?, None);
    channel.reject(message.tag, true).await?;
    assert!(
        channel
            .get(&queue)
            .await?
            .expect("the message again")
            .redelivered
    );
    Ok(())
}

async fn a_get_without_ack_is_settled(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.publish_texts("", &queue, &["a"]).await?;
    let message = channel.take(&queue).await?.expect("a message");
    let ack = basic::Ack {
        delivery_tag: message.tag,
        multiple: false,
    };
    assert_eq!(channel.refused(ack).await?.code, 406);
    Ok(())
}

async fn getting_from_a_missing_queue_is_not_found(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = unique("missing").as_str().into();
    let closed = channel
        .refused(basic::Get {
            queue,
            no_ack: false,
        })
        .await?;
    assert_eq!((closed.code, closed.method), (404, (60, 70)));
    Ok(())
}

async fn a_get_says_where_the_message_came_from(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let exchange = channel.exchange("direct", FieldTable::default()).await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&queue, &exchange, "key").await?;
    channel.publish(&exchange, "key", Content::new("x")).await?;
    channel.round_trip().await?;
    let message = channel.get(&queue).await?.expect("a message");
    assert_eq!(
        (message.exchange, message.routing_key.as_str()),
        (exchange, "key")
    );
    assert!(!message.redelivered);
    Ok(())
}
