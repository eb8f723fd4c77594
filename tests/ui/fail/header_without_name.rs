use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders")]
fn on_order(order: String, #[header] tenant: String) {}

fn main() {}
