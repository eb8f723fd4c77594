use rmq_core::prelude::*;

#[rabbit_listener(queue)]
fn on_order() {}

fn main() {}
