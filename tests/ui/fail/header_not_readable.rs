use rmq_core::prelude::*;

#[derive(serde::Deserialize)]
struct Tenant;

#[rabbit_listener(queue = "orders")]
fn on_order(order: String, #[header("x-tenant")] tenant: Tenant) {}

fn main() {}
