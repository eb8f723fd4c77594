use rmq_core::prelude::*;

#[rabbit_config]
struct Shop;

#[rabbit_config]
impl Shop {
    #[component]
    async fn counter(&self) {}
}

fn main() {}
