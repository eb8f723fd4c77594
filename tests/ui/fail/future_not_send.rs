use rmq_core::prelude::*;
use std::rc::Rc;

#[rabbit_listener(queue = "orders")]
async fn on_order(order: String) {
    let shared = Rc::new(order);
    std::future::ready(()).await;
    drop(shared);
}

fn main() {}
