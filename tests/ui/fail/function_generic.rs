use rmq_core::prelude::*;

#[rabbit_listener(queue = "orders")]
async fn on_order<T: serde::de::DeserializeOwned>(order: T) {}

fn main() {}
