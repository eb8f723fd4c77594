use rmq_core::prelude::*;

#[derive(serde::Serialize, RabbitMessage)]
#[rabbit(exchange = "orders")]
struct Order;

fn main() {}
