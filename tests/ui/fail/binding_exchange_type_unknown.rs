use rmq_core::prelude::*;

#[rabbit_listener(bindings(queue = "orders", exchange = "orders", exchange_type = "topics", routing_key = "a"))]
fn on_order() {}

fn main() {}
