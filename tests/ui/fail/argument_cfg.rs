use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders")]
fn on_order(order: String, #[cfg(all())] tenant: Option<String>) {}

fn main() {}
