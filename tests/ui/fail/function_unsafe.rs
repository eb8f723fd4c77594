use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders")]
unsafe fn on_order(order: String) {}

fn main() {}
