use rmq_core::prelude::*;

#[on_confirm]
async fn confirmed(counter: State<u64>) {}

fn main() {}
