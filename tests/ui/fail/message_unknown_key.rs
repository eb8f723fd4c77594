use rmq_core::prelude::*;

#[derive(serde::Serialize, RabbitMessage)]
#[rabbit(exchange = "orders", key = "order.created")]
struct Order;

fn main() {}
