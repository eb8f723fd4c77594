use rmq_core::prelude::*;

struct Shop;

#[rabbit_listener(queue = "orders", config = Shop)]
fn on_order() {}

fn main() {}
