//! Binding and unbinding, of queues and of exchanges.

use rmq_tests::broker::unique;
use rmq_tests::raw::table::{table, text};
use rmq_tests::raw::{Channel, FieldTable, exchange, queue};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    binding_twice_is_one_binding
    bindings_that_differ_in_arguments_are_two
    binding_a_missing_queue_is_not_found
    binding_to_a_missing_exchange_is_not_found
    binding_to_the_default_exchange_is_refused
    unbinding_ends_the_route
    unbinding_what_is_not_bound_is_fine
    unbinding_from_the_default_exchange_is_refused
    an_empty_queue_name_binds_the_last_one_declared
    an_exchange_routes_on_to_an_exchange
    exchanges_bound_in_a_circle_deliver_once
    unbinding_an_exchange_ends_the_route
    an_internal_exchange_takes_what_another_one_routes
    deleting_a_queue_takes_its_bindings_along
}

fn unbind(queue: &str, exchange: &str, key: &str, arguments: FieldTable) -> queue::Unbind {
    queue::Unbind {
        queue: queue.into(),
        exchange: exchange.into(),
        routing_key: key.into(),
        arguments,
    }
}

async fn link(channel: &Channel, source: &str, destination: &str, key: &str) -> Outcome {
    let bind = exchange::Bind {
        source: source.into(),
        destination: destination.into(),
        routing_key: key.into(),
        ..Default::default()
    };
    channel.call(bind).await.map(drop)
}

async fn binding_twice_is_one_binding(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let exchange = channel.exchange("direct", FieldTable::default()).await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    for _ in 0..2 {
        channel.bind(&queue, &exchange, "key").await?;
    }
    channel
        .call(unbind(&queue, &exchange, "key", FieldTable::default()))
        .await?;
    channel.publish_texts(&exchange, "key", &["x"]).await?;
    assert!(channel.take_all(&queue).await?.is_empty());
    Ok(())
}

async fn bindings_that_differ_in_arguments_are_two(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let exchange = channel.exchange("direct", FieldTable::default()).await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&queue, &exchange, "key").await?;
    channel
        .bind_with(&queue, &exchange, "key", table([("note", text("second"))]))
        .await?;
    channel
        .call(unbind(&queue, &exchange, "key", FieldTable::default()))
        .await?;
    channel.publish_texts(&exchange, "key", &["x"]).await?;
    assert_eq!(channel.take_all(&queue).await?, ["x"]);
    Ok(())
}

async fn binding_a_missing_queue_is_not_found(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("missing");
    let bind = queue::Bind {
        queue: name.as_str().into(),
        exchange: "amq.direct".into(),
        ..Default::default()
    };
    let closed = channel.refused(bind).await?;
    assert_eq!((closed.code, closed.method), (404, (50, 20)));
    assert_eq!(
        closed.text,
        format!("NOT_FOUND - no queue '{name}' in vhost '/'")
    );
    Ok(())
}

async fn binding_to_a_missing_exchange_is_not_found(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    let name = unique("missing");
    let bind = queue::Bind {
        queue: queue.as_str().into(),
        exchange: name.as_str().into(),
        ..Default::default()
    };
    let closed = channel.refused(bind).await?;
    assert_eq!(closed.code, 404);
    assert_eq!(
        closed.text,
        format!("NOT_FOUND - no exchange '{name}' in vhost '/'")
    );
    Ok(())
}

async fn binding_to_the_default_exchange_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    let bind = queue::Bind {
        queue: queue.as_str().into(),
        ..Default::default()
    };
    let closed = channel.refused(bind).await?;
    assert_eq!(closed.code, 403);
    assert_eq!(
        closed.text,
        "ACCESS_REFUSED - operation not permitted on the default exchange"
    );
    Ok(())
}

async fn unbinding_ends_the_route(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let exchange = channel.exchange("direct", FieldTable::default()).await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&queue, &exchange, "one").await?;
    channel.bind(&queue, &exchange, "two").await?;
    channel
        .call(unbind(&queue, &exchange, "one", FieldTable::default()))
        .await?;
    channel.publish_texts(&exchange, "one", &["one"]).await?;
    channel.publish_texts(&exchange, "two", &["two"]).await?;
    assert_eq!(channel.take_all(&queue).await?, ["two"]);
    Ok(())
}

async fn unbinding_what_is_not_bound_is_fine(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel
        .call(unbind(&queue, "amq.direct", "never", FieldTable::default()))
        .await
        .map(drop)
}

async fn unbinding_from_the_default_exchange_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    let closed = channel
        .refused(unbind(&queue, "", &queue, FieldTable::default()))
        .await?;
    assert_eq!(closed.code, 403);
    assert_eq!(
        closed.text,
        "ACCESS_REFUSED - operation not permitted on the default exchange"
    );
    Ok(())
}

async fn an_empty_queue_name_binds_the_last_one_declared(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let exchange = channel.exchange("direct", FieldTable::default()).await?;
    channel.own_queue(FieldTable::default()).await?;
    let last = channel.own_queue(FieldTable::default()).await?;
    channel.bind("", &exchange, "key").await?;
    channel.publish_texts(&exchange, "key", &["x"]).await?;
    assert_eq!(channel.take_all(&last).await?, ["x"]);
    Ok(())
}

async fn an_exchange_routes_on_to_an_exchange(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let source = channel.exchange("topic", FieldTable::default()).await?;
    let destination = channel.exchange("direct", FieldTable::default()).await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    link(&channel, &source, &destination, "a.*").await?;
    channel.bind(&queue, &destination, "a.b").await?;
    channel.publish_texts(&source, "a.b", &["both"]).await?;
    channel
        .publish_texts(&source, "a.c", &["first only"])
        .await?;
    let message = channel.take(&queue).await?.expect("a message");
    assert_eq!(
        (message.text().as_str(), message.exchange.as_str()),
        ("both", source.as_str())
    );
    assert!(channel.take_all(&queue).await?.is_empty());
    Ok(())
}

async fn exchanges_bound_in_a_circle_deliver_once(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let one = channel.exchange("fanout", FieldTable::default()).await?;
    let two = channel.exchange("fanout", FieldTable::default()).await?;
    link(&channel, &one, &two, "").await?;
    link(&channel, &two, &one, "").await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&queue, &one, "").await?;
    channel.bind(&queue, &two, "").await?;
    channel.publish_texts(&one, "", &["x"]).await?;
    assert_eq!(channel.take_all(&queue).await?, ["x"]);
    Ok(())
}

async fn unbinding_an_exchange_ends_the_route(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let one = channel.exchange("fanout", FieldTable::default()).await?;
    let two = channel.exchange("fanout", FieldTable::default()).await?;
    link(&channel, &one, &two, "").await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&queue, &two, "").await?;
    let unbind = exchange::Unbind {
        source: one.as_str().into(),
        destination: two.as_str().into(),
        ..Default::default()
    };
    channel.call(unbind).await?;
    channel.publish_texts(&one, "", &["x"]).await?;
    assert!(channel.take_all(&queue).await?.is_empty());
    Ok(())
}

async fn an_internal_exchange_takes_what_another_one_routes(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let source = channel.exchange("fanout", FieldTable::default()).await?;
    let name = unique("internal");
    let declare = exchange::Declare {
        exchange: name.as_str().into(),
        kind: "fanout".into(),
        internal: true,
        ..Default::default()
    };
    channel.call(declare).await?;
    link(&channel, &source, &name, "").await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.bind(&queue, &name, "").await?;
    channel.publish_texts(&source, "", &["x"]).await?;
    assert_eq!(channel.take_all(&queue).await?, ["x"]);
    Ok(())
}

async fn deleting_a_queue_takes_its_bindings_along(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let exchange = channel.exchange("direct", FieldTable::default()).await?;
    let queue = channel.durable_queue(FieldTable::default()).await?;
    channel.bind(&queue, &exchange, "key").await?;
    channel
        .call(queue::Delete {
            queue: queue.as_str().into(),
            ..Default::default()
        })
        .await?;
    let declare = queue::Declare {
        queue: queue.as_str().into(),
        durable: true,
        ..Default::default()
    };
    channel.call(declare).await?;
    channel.publish_texts(&exchange, "key", &["x"]).await?;
    assert!(channel.take_all(&queue).await?.is_empty());
    channel
        .call(queue::Delete {
            queue: queue.as_str().into(),
            ..Default::default()
        })
        .await
        .map(drop)
}
