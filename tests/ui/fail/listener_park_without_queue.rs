use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", on_failure = "park:")]
fn on_order() {}

fn main() {}
