use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", config = "Shop")]
fn on_order() {}

fn main() {}
