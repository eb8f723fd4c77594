use rmq_core::prelude::*;

#[component]
fn counter() -> u64 {
    1
}

fn main() {}
