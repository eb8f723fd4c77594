use rmq_core::prelude::*;

#[rabbit_config]
struct Shop;

#[rabbit_config]
impl Shop {
    #[declarables]
    async fn topology(&self) -> Declarables {
        Declarables::new()
    }
}

fn main() {}
