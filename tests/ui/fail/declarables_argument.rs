use rmq_core::prelude::*;

#[rabbit_config]
struct Shop;

#[rabbit_config]
impl Shop {
    #[declarables]
    fn topology(&self, counter: State<u64>) -> Declarables {
        Declarables::new()
    }
}

fn main() {}
