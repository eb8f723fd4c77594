use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", ack = "manual")]
fn on_order(order: String) {}

fn main() {}
