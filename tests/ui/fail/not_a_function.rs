use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders")]
struct Order;

fn main() {}
