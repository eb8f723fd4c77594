use rmq_core::prelude::*;

struct NotDe;

#[rabbit_listener(queue = "orders")]
async fn on_order(order: NotDe) {}

fn main() {}
