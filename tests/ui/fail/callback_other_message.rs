use rmq_core::prelude::*;

#[on_confirm]
async fn confirmed(message: ReturnedMessage) {}

fn main() {}
