use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", ack = "automatic")]
fn on_order() {}

fn main() {}
