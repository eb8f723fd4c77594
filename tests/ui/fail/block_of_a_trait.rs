use rmq_core::prelude::*;

#[rabbit_config]
struct Shop;

#[rabbit_config]
impl Default for Shop {
    fn default() -> Self {
        Shop
    }
}

fn main() {}
