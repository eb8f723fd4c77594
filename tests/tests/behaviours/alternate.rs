//! Alternate exchanges.

use rmq_tests::broker::unique;
use rmq_tests::raw::table::{table, text};
use rmq_tests::raw::{Channel, Content, FieldTable, RawError, Verdict};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    the_alternate_exchange_takes_what_nobody_else_does
    what_was_routed_does_not_reach_the_alternate_exchange
    what_the_alternate_exchange_took_is_not_returned
    an_alternate_exchange_that_is_missing_takes_nothing
    alternate_exchanges_follow_each_other
    an_alternate_exchange_that_routes_nowhere_returns
}

async fn with_alternate(channel: &Channel, alternate: &str) -> Result<String, RawError> {
    channel
        .exchange("direct", table([("alternate-exchange", text(alternate))]))
        .await
}

async fn the_alternate_exchange_takes_what_nobody_else_does(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let alternate = channel.exchange("fanout", FieldTable::default()).await?;
    let rest = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&rest, &alternate, "").await?;
    let exchange = with_alternate(&channel, &alternate).await?;
    channel
        .publish_texts(&exchange, "nowhere", &["lost"])
        .await?;
    let message = channel.take(&rest).await?.expect("a message");
    assert_eq!(
        (message.exchange, message.routing_key.as_str()),
        (exchange, "nowhere")
    );
    Ok(())
}

async fn what_was_routed_does_not_reach_the_alternate_exchange(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let alternate = channel.exchange("fanout", FieldTable::default()).await?;
    let rest = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&rest, &alternate, "").await?;
    let exchange = with_alternate(&channel, &alternate).await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&queue, &exchange, "key").await?;
    channel.publish_texts(&exchange, "key", &["x"]).await?;
    assert_eq!(channel.take_all(&queue).await?, ["x"]);
    assert!(channel.take_all(&rest).await?.is_empty());
    Ok(())
}

async fn what_the_alternate_exchange_took_is_not_returned(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    let alternate = channel.exchange("fanout", FieldTable::default()).await?;
    let rest = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&rest, &alternate, "").await?;
    let exchange = with_alternate(&channel, &alternate).await?;
    let verdict = channel
        .publish_and_wait(&exchange, "nowhere", Content::new("x"))
        .await?;
    assert_eq!(verdict, Verdict::Acked);
    Ok(())
}

async fn an_alternate_exchange_that_is_missing_takes_nothing(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    let exchange = with_alternate(&channel, &unique("missing")).await?;
    let verdict = channel
        .publish_and_wait(&exchange, "nowhere", Content::new("x"))
        .await?;
    assert!(matches!(verdict, Verdict::Returned(_)), "{verdict:?}");
    Ok(())
}

async fn alternate_exchanges_follow_each_other(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let last = channel.exchange("fanout", FieldTable::default()).await?;
    let rest = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&rest, &last, "").await?;
    let middle = with_alternate(&channel, &last).await?;
    let first = with_alternate(&channel, &middle).await?;
    channel.publish_texts(&first, "nowhere", &["x"]).await?;
    assert_eq!(channel.take_all(&rest).await?, ["x"]);
    Ok(())
}

async fn an_alternate_exchange_that_routes_nowhere_returns(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    let alternate = channel.exchange("fanout", FieldTable::default()).await?;
    let exchange = with_alternate(&channel, &alternate).await?;
    let verdict = channel
        .publish_and_wait(&exchange, "nowhere", Content::new("x"))
        .await?;
    let Verdict::Returned(message) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(message.exchange, exchange, "returned as it was published");
    Ok(())
}
