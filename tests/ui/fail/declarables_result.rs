use rmq_core::prelude::*;

#[rabbit_config]
struct Shop;

#[rabbit_config]
impl Shop {
    #[declarables]
    fn topology(&self) -> Vec<u8> {
        Vec::new()
    }
}

fn main() {}
