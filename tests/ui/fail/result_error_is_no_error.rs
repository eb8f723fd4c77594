use rmq_core::prelude::*;

struct NoError;

#[rabbit_listener(queue = "orders")]
async fn on_order(order: String) -> Result<(), NoError> {
    Err(NoError)
}

fn main() {}
