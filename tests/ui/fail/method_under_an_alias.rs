use rmq_core::prelude::*;
use rmq_core::rabbit_listener as listen;

#[rabbit_config]
struct Shop;

#[rabbit_config]
impl Shop {
    #[listen(queue = "orders")]
    fn on_order(&self, order: String) {}
}

fn main() {}
