use rmq_core::prelude::*;

struct Shop;

#[rabbit_config]
impl Shop {
    #[rabbit_listener(queue = "orders")]
    fn on_order(&self, order: String) {}
}

fn main() {}
