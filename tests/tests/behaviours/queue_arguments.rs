//! The arguments of a queue, and what is wrong with them.

use rmq_tests::broker::unique;
use rmq_tests::raw::table::{number, table, text};
use rmq_tests::raw::{AMQPValue, Channel, Closed, FieldTable, RawError, queue};

use crate::stage::{Broker, Outcome, eventually};

on_each_broker! {
    another_value_is_inequivalent
    a_value_where_there_was_none_is_inequivalent
    no_value_where_there_was_one_is_inequivalent
    the_width_of_a_number_does_not_matter
    an_argument_that_nobody_knows_is_not_compared
    a_negative_ttl_is_refused
    a_ttl_that_is_no_number_is_refused
    an_expiry_of_zero_is_refused
    a_negative_length_is_refused
    an_unknown_overflow_is_refused
    an_unknown_queue_type_is_refused
    a_dead_letter_key_needs_an_exchange
    a_priority_above_255_is_refused
    a_quorum_queue_must_be_durable
    a_quorum_queue_can_not_be_exclusive
    a_quorum_queue_can_not_have_priorities
    an_unused_queue_expires
    a_queue_that_is_consumed_does_not_expire
}

fn declare(name: &str, arguments: FieldTable) -> queue::Declare {
    queue::Declare {
        queue: name.into(),
        durable: true,
        arguments,
        ..Default::default()
    }
}

async fn refusal(channel: &Channel, arguments: FieldTable) -> Result<Closed, RawError> {
    let closed = channel
        .refused(declare(&unique("wrong"), arguments))
        .await?;
    assert_eq!(
        (closed.code, closed.method),
        (406, (50, 10)),
        "{}",
        closed.text
    );
    Ok(closed)
}

/// The refusal names the argument.
async fn refuses(broker: &Broker, name: &str, value: AMQPValue) -> Outcome {
    let channel = broker.channel().await?;
    let closed = refusal(&channel, table([(name, value)])).await?;
    assert!(
        closed.text.contains(&format!("invalid arg '{name}'")),
        "{}",
        closed.text
    );
    Ok(())
}

async fn inequivalence(
    broker: &Broker,
    first: FieldTable,
    second: FieldTable,
) -> Result<String, RawError> {
    let channel = broker.channel().await?;
    let name = unique("argued");
    channel.call(declare(&name, first)).await?;
    let closed = channel.refused(declare(&name, second)).await?;
    assert_eq!((closed.code, closed.method), (406, (50, 10)));
    let begin = format!(
        "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue '{name}' in vhost '/': "
    );
    Ok(closed
        .text
        .strip_prefix(&begin)
        .unwrap_or_else(|| panic!("{}", closed.text))
        .to_owned())
}

async fn another_value_is_inequivalent(broker: Broker) -> Outcome {
    let length = |value| table([("x-max-length", number(value))]);
    let text = inequivalence(&broker, length(10), length(5)).await?;
    assert_eq!(text, "received '5' but current is '10'");
    Ok(())
}

async fn a_value_where_there_was_none_is_inequivalent(broker: Broker) -> Outcome {
    let text = inequivalence(&broker, table([]), table([("x-max-length", number(5))])).await?;
    assert_eq!(
        text,
        "received the value '5' of type 'signedint' but current is none"
    );
    Ok(())
}

async fn no_value_where_there_was_one_is_inequivalent(broker: Broker) -> Outcome {
    let text = inequivalence(&broker, table([("x-max-length", number(5))]), table([])).await?;
    assert_eq!(
        text,
        "received none but current is the value '5' of type 'signedint'"
    );
    Ok(())
}

async fn the_width_of_a_number_does_not_matter(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("wide");
    for value in [
        AMQPValue::LongInt(5),
        AMQPValue::LongLongInt(5),
        AMQPValue::ShortInt(5),
    ] {
        channel
            .call(declare(&name, table([("x-max-length", value)])))
            .await?;
    }
    Ok(())
}

async fn an_argument_that_nobody_knows_is_not_compared(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("odd");
    for value in ["one", "two"] {
        channel
            .call(declare(&name, table([("note", text(value))])))
            .await?;
    }
    Ok(())
}

async fn a_negative_ttl_is_refused(broker: Broker) -> Outcome {
    refuses(&broker, "x-message-ttl", number(-1)).await
}

async fn a_ttl_that_is_no_number_is_refused(broker: Broker) -> Outcome {
    refuses(&broker, "x-message-ttl", text("soon")).await
}

async fn an_expiry_of_zero_is_refused(broker: Broker) -> Outcome {
    refuses(&broker, "x-expires", number(0)).await
}

async fn a_negative_length_is_refused(broker: Broker) -> Outcome {
    refuses(&broker, "x-max-length", number(-1)).await
}

async fn an_unknown_overflow_is_refused(broker: Broker) -> Outcome {
    refuses(&broker, "x-overflow", text("burst")).await
}

async fn an_unknown_queue_type_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let closed = refusal(&channel, table([("x-queue-type", text("stack"))])).await?;
    assert!(
        closed.text.contains("x-queue-type") || closed.text.contains("stack"),
        "{}",
        closed.text
    );
    Ok(())
}

async fn a_dead_letter_key_needs_an_exchange(broker: Broker) -> Outcome {
    refuses(&broker, "x-dead-letter-routing-key", text("key")).await
}

async fn a_priority_above_255_is_refused(broker: Broker) -> Outcome {
    refuses(&broker, "x-max-priority", number(256)).await
}

fn quorum() -> FieldTable {
    table([("x-queue-type", text("quorum"))])
}

async fn a_quorum_queue_must_be_durable(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let transient = queue::Declare {
        durable: false,
        ..declare(&unique("wrong"), quorum())
    };
    let closed = channel.refused(transient).await?;
    assert_eq!(closed.code, 406, "{}", closed.text);
    assert!(closed.text.contains("durable"), "{}", closed.text);
    Ok(())
}

async fn a_quorum_queue_can_not_be_exclusive(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let exclusive = queue::Declare {
        exclusive: true,
        ..declare(&unique("wrong"), quorum())
    };
    let closed = channel.refused(exclusive).await?;
    assert_eq!(closed.code, 406, "{}", closed.text);
    assert!(closed.text.contains("exclusive"), "{}", closed.text);
    Ok(())
}

async fn a_quorum_queue_can_not_have_priorities(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let arguments = table([
        ("x-queue-type", text("quorum")),
        ("x-max-priority", number(5)),
    ]);
    let name = unique("wrong");
    // 3.10 and 4.0 agree, though 4.0 has priorities of its own in quorum queues.
    let closed = channel.refused(declare(&name, arguments)).await?;
    assert_eq!(closed.code, 406, "{}", closed.text);
    assert!(
        closed.text.contains("invalid arg 'x-max-priority'"),
        "{}",
        closed.text
    );
    Ok(())
}

async fn an_unused_queue_expires(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    let name = unique("expiring");
    let channel = connection.channel(1).await?;
    channel
        .call(declare(&name, table([("x-expires", number(100))])))
        .await?;
    eventually("the queue is gone", async || {
        // A passive declare would count as use: a bind does not.
        let probe = connection.channel(2).await?;
        let bind = queue::Bind {
            queue: name.as_str().into(),
            exchange: "amq.direct".into(),
            ..Default::default()
        };
        match probe.call(bind).await {
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

async fn a_queue_that_is_consumed_does_not_expire(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("consumed");
    channel
        .call(declare(&name, table([("x-expires", number(100))])))
        .await?;
    channel.consume(&name).await?;
    // Another queue with the same time, which nobody uses, has gone meanwhile.
    let clock = unique("clock");
    channel
        .call(declare(&clock, table([("x-expires", number(300))])))
        .await?;
    let connection = broker.connection().await?;
    eventually("the other queue is gone", async || {
        let probe = connection.channel(1).await?;
        let bind = queue::Bind {
            queue: clock.as_str().into(),
            exchange: "amq.direct".into(),
            ..Default::default()
        };
        match probe.call(bind).await {
            Ok(_) => probe.close().await.map(|()| false),
            Err(_) => probe
                .send(rmq_tests::raw::channels::CloseOk {})
                .await
                .map(|()| true),
        }
    })
    .await?;
    assert_eq!(channel.counts(&name).await?.1, 1);
    channel
        .call(queue::Delete {
            queue: name.as_str().into(),
            ..Default::default()
        })
        .await
        .map(drop)
}
