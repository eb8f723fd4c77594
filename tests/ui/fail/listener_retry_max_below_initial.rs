use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", retry(initial_interval = "10s", max_interval = "1s"))]
fn on_order() {}

fn main() {}
