use rmq_core::prelude::*;

#[rabbit_listener(queu = "orders")]
fn on_order() {}

fn main() {}
