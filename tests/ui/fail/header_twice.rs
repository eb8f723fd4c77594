use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders")]
fn on_order(#[header("x-tenant")] #[header("x-user")] tenant: String) {}

fn main() {}
