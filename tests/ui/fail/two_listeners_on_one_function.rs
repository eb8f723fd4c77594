use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders")]
#[rabbit_listener(queue = "paid")]
fn on_order(order: String, #[header("x-tenant")] tenant: String) {}

fn main() {}
