use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", auto_startup = "no")]
fn on_order() {}

fn main() {}
