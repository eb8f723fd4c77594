use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders")]
fn on_order(order: String, #[cfg_attr(all(), header("x-tenant"))] tenant: Option<String>) {}

fn main() {}
