use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", retry(multiplier = 0.5))]
fn on_order() {}

fn main() {}
