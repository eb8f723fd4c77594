use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", concurrency = 0)]
fn on_order() {}

fn main() {}
