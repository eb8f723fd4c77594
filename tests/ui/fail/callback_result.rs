use rmq_core::prelude::*;

#[on_return]
fn returned(message: ReturnedMessage) -> bool {
    true
}

fn main() {}
