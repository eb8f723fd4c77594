use rmq_core::prelude::*;

#[rabbit_listener("orders")]
fn on_order() {}

fn main() {}
