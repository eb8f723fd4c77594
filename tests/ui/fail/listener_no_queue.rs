use rmq_core::prelude::*;

#[rabbit_listener]
fn on_order() {}

fn main() {}
