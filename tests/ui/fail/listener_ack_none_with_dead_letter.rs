use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders", ack = "none", dead_letter = "policy")]
fn on_order() {}

fn main() {}
