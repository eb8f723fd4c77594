use rmq_core::prelude::*;

struct Receipt;

#[rabbit_listener(queue = "orders")]
fn on_order(order: String) -> Result<Reply<Receipt>, Fatal> {
    Err(Fatal::new("no receipt"))
}

fn main() {}
