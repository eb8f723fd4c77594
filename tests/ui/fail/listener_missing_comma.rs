use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders" prefetch = 1)]
fn on_order() {}

fn main() {}
