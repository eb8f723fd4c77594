//! Kills, restarts and alarms: each test has a broker of its own.

use rmq_tests::broker::unique;
use rmq_tests::raw::table::{table, text};
use rmq_tests::raw::{
    Channel, Content, FieldTable, Properties, Verdict, connections, exchange, queue,
};

use crate::private::Private;
use crate::stage::{Broker, Outcome};

on_each_broker! {
    what_is_durable_survives_a_kill_and_nothing_else
    an_alarm_blocks_publishers_and_not_consumers
}

async fn persistent(channel: &Channel, exchange: &str, key: &str, body: &'static str) -> Outcome {
    let content = Content::with(body, Properties::default().with_delivery_mode(2))?;
    assert_eq!(
        channel.publish_and_wait(exchange, key, content).await?,
        Verdict::Acked
    );
    Ok(())
}

async fn what_is_durable_survives_a_kill_and_nothing_else(broker: Broker) -> Outcome {
    let private = Private::start(broker.kind()).await?;
    let channel = private.connection().await?.channel(1).await?;
    channel.confirm_select().await?;
    let durable = channel.durable_queue(FieldTable::default()).await?;
    let quorum = channel
        .durable_queue(table([("x-queue-type", text("quorum"))]))
        .await?;
    let exchange = channel.exchange("direct", FieldTable::default()).await?;
    channel.bind(&durable, &exchange, "key").await?;
    let own = channel.own_queue(FieldTable::default()).await?;
    let fleeting = unique("fleeting");
    let declare = exchange::Declare {
        exchange: fleeting.as_str().into(),
        kind: "fanout".into(),
        ..Default::default()
    };
    channel.call(declare).await?;
    persistent(&channel, "", &durable, "unsettled").await?;
    persistent(&channel, "", &durable, "ready").await?;
    let transient = channel
        .publish_and_wait("", &durable, Content::new("transient"))
        .await?;
    assert_eq!(transient, Verdict::Acked);
    persistent(&channel, "", &quorum, "replicated").await?;
    assert_eq!(
        channel.get(&durable).await?.expect("a message").text(),
        "unsettled"
    );

    private.kill_and_restart().await?;

    let connection = private.connection().await?;
    let channel = connection.channel(1).await?;
    assert_eq!(channel.take_all(&durable).await?, ["unsettled", "ready"]);
    // Its leader may still be elected: a consumer waits, a get would not.
    let reader = connection.channel(4).await?;
    reader.consume(&quorum).await?;
    assert_eq!(reader.delivery().await?.text(), "replicated");
    channel.confirm_select().await?;
    persistent(&channel, &exchange, "key", "by the binding").await?;
    assert_eq!(channel.take_all(&durable).await?, ["by the binding"]);
    let gone = connection.channel(2).await?;
    let passive = queue::Declare {
        queue: own.as_str().into(),
        passive: true,
        ..Default::default()
    };
    assert_eq!(gone.refused(passive).await?.code, 404);
    let gone = connection.channel(3).await?;
    let passive = exchange::Declare {
        exchange: fleeting.as_str().into(),
        passive: true,
        ..Default::default()
    };
    assert_eq!(gone.refused(passive).await?.code, 404);
    Ok(())
}

async fn an_alarm_blocks_publishers_and_not_consumers(broker: Broker) -> Outcome {
    let private = Private::start(broker.kind()).await?;
    let publishing = private.connection().await?;
    let publisher = publishing.channel(1).await?;
    publisher.confirm_select().await?;
    let queue = publisher.durable_queue(FieldTable::default()).await?;
    persistent(&publisher, "", &queue, "before").await?;
    let consumer = private.connection().await?.channel(1).await?;

    private.block()?;
    publisher
        .publish("", &queue, Content::new("held back"))
        .await?;
    publishing.expect::<connections::Blocked>(0).await?;
    consumer.consume(&queue).await?;
    let before = consumer.delivery().await?;
    assert_eq!(before.text(), "before");
    consumer.ack(before.tag).await?;
    consumer.round_trip().await?;

    private.unblock()?;
    publishing.expect::<connections::Unblocked>(0).await?;
    assert_eq!(consumer.delivery().await?.text(), "held back");
    Ok(())
}
