use rmq_core::prelude::*;

#[rabbit_config]
struct Shop;

#[rabbit_config]
impl Shop {
    #[component(name = "counter")]
    fn counter(&self) -> u64 {
        1
    }
}

fn main() {}
