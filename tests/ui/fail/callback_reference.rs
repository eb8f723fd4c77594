use rmq_core::prelude::*;

#[on_return]
fn returned(message: &ReturnedMessage) {}

fn main() {}
