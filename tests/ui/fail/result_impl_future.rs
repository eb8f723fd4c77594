use rmq_core::prelude::*;
use std::future::Future;

#[rabbit_listener(queue = "orders")]
fn on_order(order: String) -> impl Future<Output = ()> {
    async {}
}

fn main() {}
