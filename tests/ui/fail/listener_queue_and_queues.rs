use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", queues = ["paid"])]
fn on_order() {}

fn main() {}
