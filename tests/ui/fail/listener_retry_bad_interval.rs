use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", retry(initial_interval = "1 fortnight"))]
fn on_order() {}

fn main() {}
