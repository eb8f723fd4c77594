use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", bindings(queue = "paid", exchange = "orders", routing_key = "paid"))]
fn on_order() {}

fn main() {}
