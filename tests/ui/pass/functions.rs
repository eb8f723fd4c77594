//! Free functions: async and plain, every kind of argument and result, every key.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU64;

use rmq_core::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    pub id: u64,
}

#[derive(Debug)]
pub struct OrderError;

impl std::fmt::Display for OrderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no such order")
    }
}

impl std::error::Error for OrderError {}

#[rabbit_listener(queue = "orders.created", concurrency = "2-8", config = Functions)]
pub async fn on_order(
    order: Order,
    #[header("x-tenant")] tenant: Option<String>,
) -> Result<(), OrderError> {
    match tenant {
        Some(_) if order.id > 0 => Ok(()),
        _ => Err(OrderError),
    }
}

#[rabbit_listener(
    queues = ["a", "b"],
    id = "everything",
    concurrency = 4,
    prefetch = 10,
    ack = "manual",
    retry(max_attempts = 5, initial_interval = "500ms", multiplier = 2, max_interval = "10s"),
    dead_letter = "policy",
    on_failure = "park:orders.parked",
    auto_startup = false,
    exclusive = false,
    priority = -1,
    config = Functions
)]
#[allow(clippy::too_many_arguments, reason = "each kind once")]
async fn everything(
    message: Message,
    properties: MessageProperties,
    headers: Headers,
    key: RoutingKey,
    facts: DeliveryFacts,
    counter: State<AtomicU64>,
    acknowledger: Acknowledger,
    #[header("x-count")] count: u32,
    (id, name): (u64, String),
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    drop((
        message, properties, headers, key, facts, counter, count, id, name,
    ));
    acknowledger.ack()?;
    Ok(())
}

#[rabbit_listener(
    bindings(
        binding(queue = "c", exchange = "orders", exchange_type = "topic", routing_keys = ["x.*", "y.#"]),
        binding(queue = "d", queue_type = "classic", exchange = "all", exchange_type = "fanout"),
    ),
    config = Functions
)]
fn plain(mut order: Order) -> Acknowledgement {
    order.id += 1;
    if order.id > 1 {
        Acknowledgement::Ack
    } else {
        Acknowledgement::Reject
    }
}

#[rabbit_listener(queue = "e", config = Functions)]
async fn r#type(order: Order) -> Reply<Order> {
    Reply::new(order)
}

#[rabbit_listener(queue = "f", config = Functions)]
async fn replies(order: Order) -> Result<Reply<Order>, OrderError> {
    Ok(Reply::new(order))
}

#[rabbit_listener(bindings(queue = "g", exchange = "orders", routing_key = "g"), config = Functions)]
fn nothing() {}

#[tracing::instrument(skip_all)]
#[rabbit_listener(queue = "h", config = Functions)]
async fn traced_above(
    order: Order,
    #[header("x-tenant")] tenant: String,
) -> Result<(), OrderError> {
    drop((order, tenant));
    Ok(())
}

#[rabbit_listener(queue = "i", config = Functions)]
#[tracing::instrument(skip_all)]
async fn traced_below(
    order: Order,
    #[header("x-tenant")] tenant: String,
) -> Result<(), OrderError> {
    drop((order, tenant));
    Ok(())
}

#[rabbit_listener(queue = "j", config = Functions)]
#[cfg(any())]
fn gone(order: Missing) {}

#[on_confirm(config = Functions)]
async fn confirmed(confirm: Confirm, counter: State<AtomicU64>) -> Result<(), OrderError> {
    drop((confirm, counter));
    Ok(())
}

#[on_return(config = Functions)]
fn returned(message: ReturnedMessage) {
    drop(message);
}

#[rabbit_config(
    file = "rabbit.yml",
    converter = JsonConverter,
    executor(core_size = 2, max_size = 4, queue_capacity = 8, thread_name_prefix = "worker-",
        rejection_policy = "caller-runs", await_termination = true),
    name = "audit",
    expect_listeners = ["on_order", "everything"]
)]
pub struct Functions;

#[derive(Serialize, RabbitMessage)]
#[rabbit(exchange = "orders", routing_key = "order.created")]
struct Created<'a, T: Serialize> {
    id: &'a T,
}

mod tests {
    use rmq_core::__private::RabbitMessage;
    use rmq_core::error::Faults;
    use rmq_core::handler::ArgumentKind;
    use rmq_core::registry::{RabbitConfiguration as _, Registry};
    use rmq_core::topology::Exchange;

    use super::{Functions, Order, OrderError, on_order};

    fn selection() -> rmq_core::registry::Selection {
        let mut faults = Faults::new();
        let selection = Registry::collect().select(&Functions::DESCRIPTOR, None, &mut faults);
        assert!(faults.is_empty(), "{faults}");
        selection
    }

    #[test]
    fn every_listener_of_the_configuration_is_found_sorted_and_no_other() {
        let ids: Vec<_> = selection()
            .listeners
            .iter()
            .map(|l| l.descriptor.id)
            .collect();
        assert_eq!(
            ids,
            [
                "everything",
                "nothing",
                "on_order",
                "plain",
                "replies",
                "traced_above",
                "traced_below",
                "type"
            ]
        );
    }

    #[test]
    fn every_key_reaches_the_descriptor() {
        let descriptor = super::__rmq_attribute_of_everything;
        assert_eq!(
            format!("{:?}", descriptor.options),
            "ListenerOptions { concurrency: Some(Concurrency { min: 4, max: 4 }), prefetch: Some(10), acknowledge: Some(Manual), \
             retry: RetryOptions { max_attempts: Some(5), initial_interval: Some(500ms), multiplier: Some(2.0), max_interval: Some(10s) }, \
             dead_letter: Some(\"policy\"), on_failure: Some(Park(\"orders.parked\")), auto_startup: Some(false), exclusive: Some(false), priority: Some(-1) }"
        );
        assert_eq!(descriptor.queue_names(), ["a", "b"]);
        assert_eq!(descriptor.owner, Some(Functions::DESCRIPTOR.owner));
        assert!(descriptor.source.file.ends_with("functions.rs"));
        assert_eq!(descriptor.source.crate_name(), "ui");
    }

    #[test]
    fn arguments_are_described_by_name_and_kind() {
        let handler = (super::__rmq_attribute_of_everything.handler)();
        let names: Vec<_> = handler
            .arguments
            .iter()
            .map(|argument| argument.name)
            .collect();
        assert_eq!(
            names,
            [
                "message",
                "properties",
                "headers",
                "key",
                "facts",
                "counter",
                "acknowledger",
                "count",
                "_"
            ]
        );
        let of = |name| {
            handler
                .arguments
                .iter()
                .find(|a| a.name == name)
                .map(|a| &a.kind)
        };
        assert_eq!(
            of("count"),
            Some(&ArgumentKind::Header {
                header: "x-count",
                type_name: "u32"
            })
        );
        assert_eq!(of("acknowledger"), Some(&ArgumentKind::Acknowledger));
        assert!(matches!(of("_"), Some(ArgumentKind::Payload { .. })));
        assert!(matches!(of("counter"), Some(ArgumentKind::Component(_))));
    }

    #[test]
    fn bindings_declare_queue_exchange_and_one_binding_for_each_key() {
        let declarables = super::__rmq_attribute_of_plain.declarables();
        let exchanges: Vec<_> = declarables.exchanges().iter().map(Exchange::name).collect();
        assert_eq!(exchanges, ["orders", "all"]);
        let keys: Vec<_> = declarables
            .bindings()
            .iter()
            .map(|b| b.routing_key())
            .collect();
        assert_eq!(keys, ["x.*", "y.#", ""]);
        assert_eq!(super::__rmq_attribute_of_plain.queue_names(), ["c", "d"]);
    }

    #[test]
    fn callbacks_of_the_configuration_are_found() {
        let selection = selection();
        assert_eq!(selection.on_confirm.unwrap().0.function, "confirmed");
        assert_eq!(selection.on_return.unwrap().0.function, "returned");
    }

    #[test]
    fn the_configuration_carries_its_settings() {
        let said = Functions::DESCRIPTOR;
        assert_eq!(
            (said.name, said.file, said.broker),
            ("Functions", Some("rabbit.yml"), Some("audit"))
        );
        assert_eq!(
            (said.executor.core_size, said.executor.queue_capacity),
            (Some(2), Some(8))
        );
        assert_eq!(said.expect_listeners, ["on_order", "everything"]);
        assert!(said.converter.is_some());
    }

    #[test]
    fn a_derived_message_knows_where_it_is_published() {
        assert_eq!(super::Created::<u8>::EXCHANGE, "orders");
        assert_eq!(super::Created::<u8>::ROUTING_KEY, "order.created");
    }

    #[tokio::test]
    async fn the_users_function_stays_callable() {
        assert!(matches!(
            on_order(Order { id: 1 }, None).await,
            Err(OrderError)
        ));
        assert!(on_order(Order { id: 1 }, Some("acme".into())).await.is_ok());
    }
}
