use rmq_core::prelude::*;

#[derive(serde::Serialize, RabbitMessage)]
struct Order;

fn main() {}
