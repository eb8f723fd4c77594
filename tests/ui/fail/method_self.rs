use rmq_core::prelude::*;

#[rabbit_config]
struct Shop;

#[rabbit_config]
impl Shop {
    #[rabbit_listener(queue = "orders")]
    async fn on_order(self, order: String) {}
}

fn main() {}
