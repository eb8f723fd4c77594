use rmq_core::prelude::*;

#[derive(RabbitMessage)]
#[rabbit(exchange = "orders", routing_key = "order.created")]
struct Order;

fn main() {}
