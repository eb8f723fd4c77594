use rmq_core::prelude::*;

#[rabbit_listener(queues = ["orders", "paid", "orders"])]
fn on_order() {}

fn main() {}
