use rmq_core::prelude::*;

#[derive(serde::Serialize, RabbitMessage)]
#[rabbit(exchange = "orders", routing_key = "order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.order.")]
struct Order;

fn main() {}
