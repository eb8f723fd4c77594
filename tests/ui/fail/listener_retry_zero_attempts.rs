use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", retry(max_attempts = 0))]
fn on_order() {}

fn main() {}
