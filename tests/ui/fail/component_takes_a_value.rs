use rmq_core::prelude::*;

#[rabbit_config]
struct Shop;

#[rabbit_config]
impl Shop {
    #[component]
    async fn counter(&self, first: u64) -> u64 {
        first
    }
}

fn main() {}
