use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", concurrency = "8-2")]
fn on_order() {}

fn main() {}
