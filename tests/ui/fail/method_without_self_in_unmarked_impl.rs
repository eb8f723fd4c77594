use rmq_core::prelude::*;

#[rabbit_config]
struct Shop;

impl Shop {
    #[rabbit_listener(queue = "orders")]
    fn on_order(order: String) {}
}

fn main() {}
