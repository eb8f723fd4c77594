use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", prefetch = 0)]
fn on_order() {}

fn main() {}
