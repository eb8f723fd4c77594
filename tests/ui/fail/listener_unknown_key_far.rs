use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", zzz = 1)]
fn on_order() {}

fn main() {}
