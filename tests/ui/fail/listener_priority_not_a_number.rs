use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", priority = "high")]
fn on_order() {}

fn main() {}
