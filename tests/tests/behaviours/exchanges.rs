//! Declaring and deleting exchanges.

use rmq_tests::broker::{Release, unique};
use rmq_tests::raw::table::{table, text};
use rmq_tests::raw::{FieldTable, Verdict, exchange};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    the_standard_exchanges_are_there
    declaring_again_is_nothing
    another_type_is_inequivalent
    another_durability_is_inequivalent
    another_argument_is_inequivalent
    a_passive_declare_of_a_missing_exchange_is_not_found
    a_passive_declare_does_not_compare
    a_reserved_name_is_refused
    an_unknown_type_is_refused
    the_default_exchange_can_not_be_declared
    the_default_exchange_can_not_be_deleted
    a_deleted_exchange_is_gone
    deleting_a_missing_exchange_is_fine
    an_exchange_in_use_is_kept_by_if_unused
    an_unused_exchange_is_deleted_by_if_unused
    deleting_an_exchange_takes_its_bindings_along
    an_auto_delete_exchange_goes_with_its_last_binding
    publishing_to_an_internal_exchange_is_refused
    nowait_declares_without_an_answer
}

fn declare(name: &str, kind: &str) -> exchange::Declare {
    exchange::Declare {
        exchange: name.into(),
        kind: kind.into(),
        ..Default::default()
    }
}

fn passive(name: &str) -> exchange::Declare {
    exchange::Declare {
        passive: true,
        ..declare(name, "direct")
    }
}

async fn the_standard_exchanges_are_there(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    for name in [
        "amq.direct",
        "amq.fanout",
        "amq.topic",
        "amq.headers",
        "amq.match",
    ] {
        channel.call(passive(name)).await?;
    }
    Ok(())
}

async fn declaring_again_is_nothing(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("again");
    for _ in 0..2 {
        channel.call(declare(&name, "topic")).await?;
    }
    Ok(())
}

async fn another_type_is_inequivalent(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("typed");
    channel.call(declare(&name, "topic")).await?;
    let closed = channel.refused(declare(&name, "direct")).await?;
    assert_eq!((closed.code, closed.method), (406, (40, 10)));
    assert_eq!(
        closed.text,
        format!(
            "PRECONDITION_FAILED - inequivalent arg 'type' for exchange '{name}' in vhost '/': \
             received 'direct' but current is 'topic'"
        )
    );
    Ok(())
}

async fn another_durability_is_inequivalent(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("durable");
    channel.call(declare(&name, "topic")).await?;
    let closed = channel
        .refused(exchange::Declare {
            durable: true,
            ..declare(&name, "topic")
        })
        .await?;
    assert_eq!(closed.code, 406);
    assert!(
        closed.text.contains("inequivalent arg 'durable'"),
        "{}",
        closed.text
    );
    assert!(
        closed
            .text
            .ends_with("received 'true' but current is 'false'"),
        "{}",
        closed.text
    );
    Ok(())
}

async fn another_argument_is_inequivalent(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("argued");
    let with = |alternate| exchange::Declare {
        arguments: table([("alternate-exchange", text(alternate))]),
        ..declare(&name, "topic")
    };
    channel.call(with("one")).await?;
    let closed = channel.refused(with("two")).await?;
    assert_eq!(closed.code, 406);
    assert!(
        closed
            .text
            .contains("inequivalent arg 'alternate-exchange'"),
        "{}",
        closed.text
    );
    Ok(())
}

async fn a_passive_declare_of_a_missing_exchange_is_not_found(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("missing");
    let closed = channel.refused(passive(&name)).await?;
    assert_eq!((closed.code, closed.method), (404, (40, 10)));
    assert_eq!(
        closed.text,
        format!("NOT_FOUND - no exchange '{name}' in vhost '/'")
    );
    Ok(())
}

async fn a_passive_declare_does_not_compare(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = channel.exchange("topic", FieldTable::default()).await?;
    channel.call(passive(&name)).await.map(drop)
}

async fn a_reserved_name_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = format!("amq.{}", unique("mine"));
    let closed = channel.refused(declare(&name, "topic")).await?;
    assert_eq!(closed.code, 403);
    assert_eq!(
        closed.text,
        format!("ACCESS_REFUSED - exchange name '{name}' contains reserved prefix 'amq.*'")
    );
    Ok(())
}

async fn an_unknown_type_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let odd = declare(&unique("odd"), "oblique");
    // 3.10 closes the connection, 4.0 the channel.
    let (closed, code, name) = if broker.is(Release::V4) {
        (channel.refused(odd).await?, 406, "PRECONDITION_FAILED")
    } else {
        (channel.refused_hard(odd).await?, 503, "COMMAND_INVALID")
    };
    assert_eq!(
        (closed.code, closed.text),
        (code, format!("{name} - unknown exchange type 'oblique'"))
    );
    Ok(())
}

async fn the_default_exchange_can_not_be_declared(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let closed = channel.refused(declare("", "direct")).await?;
    assert_eq!(closed.code, 403);
    assert_eq!(
        closed.text,
        "ACCESS_REFUSED - operation not permitted on the default exchange"
    );
    Ok(())
}

async fn the_default_exchange_can_not_be_deleted(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let closed = channel.refused(exchange::Delete::default()).await?;
    assert_eq!(closed.code, 403);
    assert_eq!(
        closed.text,
        "ACCESS_REFUSED - operation not permitted on the default exchange"
    );
    Ok(())
}

async fn a_deleted_exchange_is_gone(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = channel.exchange("fanout", FieldTable::default()).await?;
    channel
        .call(exchange::Delete {
            exchange: name.as_str().into(),
            ..Default::default()
        })
        .await?;
    assert_eq!(channel.refused(passive(&name)).await?.code, 404);
    Ok(())
}

async fn deleting_a_missing_exchange_is_fine(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let exchange = unique("missing").as_str().into();
    channel
        .call(exchange::Delete {
            exchange,
            ..Default::default()
        })
        .await
        .map(drop)
}

async fn an_exchange_in_use_is_kept_by_if_unused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = channel.exchange("fanout", FieldTable::default()).await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&queue, &name, "").await?;
    let delete = exchange::Delete {
        exchange: name.as_str().into(),
        if_unused: true,
        nowait: false,
    };
    let closed = channel.refused(delete).await?;
    assert_eq!(closed.code, 406);
    assert_eq!(
        closed.text,
        format!("PRECONDITION_FAILED - exchange '{name}' in vhost '/' in use")
    );
    Ok(())
}

async fn an_unused_exchange_is_deleted_by_if_unused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = channel.exchange("fanout", FieldTable::default()).await?;
    let delete = exchange::Delete {
        exchange: name.as_str().into(),
        if_unused: true,
        nowait: false,
    };
    channel.call(delete).await?;
    assert_eq!(channel.refused(passive(&name)).await?.code, 404);
    Ok(())
}

async fn deleting_an_exchange_takes_its_bindings_along(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel.confirm_select().await?;
    let name = unique("bound");
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.call(declare(&name, "fanout")).await?;
    channel.bind(&queue, &name, "").await?;
    channel
        .call(exchange::Delete {
            exchange: name.as_str().into(),
            ..Default::default()
        })
        .await?;
    channel.call(declare(&name, "fanout")).await?;
    let verdict = channel
        .publish_and_wait(&name, "", rmq_tests::raw::Content::new("x"))
        .await?;
    assert!(matches!(verdict, Verdict::Returned(_)), "{verdict:?}");
    Ok(())
}

async fn an_auto_delete_exchange_goes_with_its_last_binding(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("auto");
    channel
        .call(exchange::Declare {
            auto_delete: true,
            ..declare(&name, "fanout")
        })
        .await?;
    channel.call(passive(&name)).await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&queue, &name, "").await?;
    let unbind = rmq_tests::raw::queue::Unbind {
        queue: queue.as_str().into(),
        exchange: name.as_str().into(),
        ..Default::default()
    };
    channel.call(unbind).await?;
    assert_eq!(channel.refused(passive(&name)).await?.code, 404);
    Ok(())
}

async fn publishing_to_an_internal_exchange_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("internal");
    channel
        .call(exchange::Declare {
            internal: true,
            ..declare(&name, "fanout")
        })
        .await?;
    channel
        .publish(&name, "", rmq_tests::raw::Content::new("x"))
        .await?;
    let closed = channel.closed().await?;
    assert_eq!((closed.code, closed.method), (403, (60, 40)));
    assert_eq!(
        closed.text,
        format!("ACCESS_REFUSED - cannot publish to internal exchange '{name}' in vhost '/'")
    );
    Ok(())
}

async fn nowait_declares_without_an_answer(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("silent");
    channel
        .send(exchange::Declare {
            nowait: true,
            ..declare(&name, "fanout")
        })
        .await?;
    channel.call(passive(&name)).await?;
    channel
        .send(exchange::Delete {
            exchange: name.as_str().into(),
            if_unused: false,
            nowait: true,
        })
        .await?;
    assert_eq!(channel.refused(passive(&name)).await?.code, 404);
    Ok(())
}
