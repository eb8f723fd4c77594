use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", exclusive = true, concurrency = "2-8")]
fn on_order() {}

fn main() {}
