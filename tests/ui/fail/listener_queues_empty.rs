use rmq_core::prelude::*;

#[rabbit_listener(queues = [])]
fn on_order() {}

fn main() {}
