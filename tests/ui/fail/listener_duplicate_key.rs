use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", queue = "orders.more")]
fn on_order() {}

fn main() {}
