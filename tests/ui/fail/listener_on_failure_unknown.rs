use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", on_failure = "drop")]
fn on_order() {}

fn main() {}
