use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders")]
async fn on_order(id: u64, key: RoutingKey, name: String) {}

fn main() {}
