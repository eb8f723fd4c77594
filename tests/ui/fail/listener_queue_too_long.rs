use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.")]
fn on_order() {}

fn main() {}
