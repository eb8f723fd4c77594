use rmq_core::prelude::*;

#[rabbit_config]
struct Shop;

#[rabbit_config]
impl Shop {
    #[rabbit_listener(queue = "orders")]
    fn on_order(&mut self, order: String) {}
}

fn main() {}
