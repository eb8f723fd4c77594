use rmq_core::prelude::*;

#[derive(serde::Deserialize)]
struct Order {}

#[rabbit_listener(queue = "orders")]
async fn on_order(order: &Order) {}

fn main() {}
