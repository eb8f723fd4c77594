use rmq_core::prelude::*;

#[rabbit_config]
struct Shop;

#[rabbit_config]
impl Shop {
    #[cfg_attr(all(), rabbit_listener(queue = "orders"))]
    fn on_order(&self, order: String) {}
}

fn main() {}
