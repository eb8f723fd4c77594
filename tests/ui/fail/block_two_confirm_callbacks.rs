use rmq_core::prelude::*;

#[rabbit_config]
struct Shop;

#[rabbit_config]
impl Shop {
    #[on_confirm]
    fn one(&self, confirm: Confirm) {}

    #[on_confirm]
    fn two(&self, confirm: Confirm) {}
}

fn main() {}
