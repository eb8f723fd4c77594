use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders")]
async fn on_order(order: String) -> u32 {
    1
}

fn main() {}
