use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", retry(attempts = 3))]
fn on_order() {}

fn main() {}
