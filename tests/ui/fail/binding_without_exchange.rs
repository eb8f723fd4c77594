use rmq_core::prelude::*;

#[rabbit_listener(bindings(queue = "orders", routing_key = "order.created"))]
fn on_order() {}

fn main() {}
