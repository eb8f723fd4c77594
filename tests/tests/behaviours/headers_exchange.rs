//! The headers exchange.

use rmq_tests::raw::table::{number, table, text};
use rmq_tests::raw::{AMQPValue, Channel, Content, FieldTable, Properties, RawError};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    all_wants_every_header
    any_wants_one_header
    all_is_what_nothing_said_means
    a_binding_without_headers_takes_everything
    an_empty_value_wants_the_header_only
    values_of_another_type_do_not_match
    headers_that_begin_with_x_are_not_compared
    all_with_x_compares_them
    the_routing_key_is_ignored
    an_unknown_x_match_is_refused
}

/// Whether a message with `headers` reaches a queue bound with `arguments`.
async fn reaches(
    channel: &Channel,
    arguments: FieldTable,
    headers: FieldTable,
) -> Result<bool, RawError> {
    let exchange = channel.exchange("headers", FieldTable::default()).await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.bind_with(&queue, &exchange, "", arguments).await?;
    let content = Content::with("x", Properties::default().with_headers(headers))?;
    channel.publish(&exchange, "ignored", content).await?;
    channel.round_trip().await?;
    Ok(channel.take(&queue).await?.is_some())
}

fn rule(kind: &str) -> FieldTable {
    table([
        ("x-match", text(kind)),
        ("color", text("red")),
        ("size", number(3)),
    ])
}

async fn all_wants_every_header(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let more = table([
        ("color", text("red")),
        ("size", number(3)),
        ("other", text("x")),
    ]);
    assert!(reaches(&channel, rule("all"), more).await?);
    assert!(!reaches(&channel, rule("all"), table([("color", text("red"))])).await?);
    let wrong = table([("color", text("red")), ("size", number(4))]);
    assert!(!reaches(&channel, rule("all"), wrong).await?);
    Ok(())
}

async fn any_wants_one_header(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    assert!(reaches(&channel, rule("any"), table([("size", number(3))])).await?);
    assert!(!reaches(&channel, rule("any"), table([("size", number(4))])).await?);
    assert!(!reaches(&channel, rule("any"), table([])).await?);
    Ok(())
}

async fn all_is_what_nothing_said_means(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let rule = table([("color", text("red")), ("size", number(3))]);
    assert!(!reaches(&channel, rule.clone(), table([("color", text("red"))])).await?);
    assert!(reaches(&channel, rule.clone(), rule).await?);
    Ok(())
}

async fn a_binding_without_headers_takes_everything(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    assert!(reaches(&channel, table([]), table([("color", text("red"))])).await?);
    assert!(reaches(&channel, table([]), table([])).await?);
    Ok(())
}

async fn an_empty_value_wants_the_header_only(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let rule = table([("x-match", text("all")), ("color", AMQPValue::Void)]);
    assert!(reaches(&channel, rule.clone(), table([("color", text("any"))])).await?);
    assert!(!reaches(&channel, rule, table([("size", number(1))])).await?);
    Ok(())
}

async fn values_of_another_type_do_not_match(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let rule = table([("x-match", text("all")), ("size", number(3))]);
    assert!(!reaches(&channel, rule, table([("size", text("3"))])).await?);
    Ok(())
}

async fn headers_that_begin_with_x_are_not_compared(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let rule = table([
        ("x-match", text("all")),
        ("x-tenant", text("a")),
        ("color", text("red")),
    ]);
    assert!(reaches(&channel, rule, table([("color", text("red"))])).await?);
    Ok(())
}

async fn all_with_x_compares_them(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let rule = table([("x-match", text("all-with-x")), ("x-tenant", text("a"))]);
    assert!(!reaches(&channel, rule.clone(), table([("x-tenant", text("b"))])).await?);
    assert!(reaches(&channel, rule, table([("x-tenant", text("a"))])).await?);
    Ok(())
}

async fn the_routing_key_is_ignored(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let exchange = channel.exchange("headers", FieldTable::default()).await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel
        .bind_with(
            &queue,
            &exchange,
            "one",
            table([("x-match", text("any")), ("a", text("b"))]),
        )
        .await?;
    let headers = table([("a", text("b"))]);
    let content = Content::with("x", Properties::default().with_headers(headers))?;
    channel.publish(&exchange, "another", content).await?;
    channel.round_trip().await?;
    assert_eq!(channel.take_all(&queue).await?, ["x"]);
    Ok(())
}

async fn an_unknown_x_match_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let exchange = channel.exchange("headers", FieldTable::default()).await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    let bind = rmq_tests::raw::queue::Bind {
        queue: queue.as_str().into(),
        exchange: exchange.as_str().into(),
        arguments: table([("x-match", text("some"))]),
        ..Default::default()
    };
    let closed = channel.refused(bind).await?;
    assert_eq!(closed.code, 406, "{}", closed.text);
    assert!(
        closed.text.contains("Invalid x-match field value"),
        "{}",
        closed.text
    );
    Ok(())
}
