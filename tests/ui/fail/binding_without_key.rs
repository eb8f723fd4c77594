use rmq_core::prelude::*;

#[rabbit_listener(bindings(binding(queue = "orders", exchange = "orders", exchange_type = "topic")))]
fn on_order() {}

fn main() {}
