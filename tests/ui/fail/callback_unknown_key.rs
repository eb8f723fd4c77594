use rmq_core::prelude::*;

#[on_confirm(queue = "orders")]
fn confirmed(confirm: Confirm) {}

fn main() {}
