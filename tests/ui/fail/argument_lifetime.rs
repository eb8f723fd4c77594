use rmq_core::prelude::*;
use std::borrow::Cow;

#[rabbit_listener(queue = "orders")]
async fn on_order(order: Cow<'_, str>) {}

fn main() {}
