use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", id = "on order")]
fn on_order() {}

fn main() {}
