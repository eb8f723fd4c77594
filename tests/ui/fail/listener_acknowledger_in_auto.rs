use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", ack = "auto")]
fn on_order(order: String, acknowledger: Acknowledger) {}

fn main() {}
