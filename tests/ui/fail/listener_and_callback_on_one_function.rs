use rmq_core::prelude::*;

#[on_confirm]
#[on_return]
fn told(confirm: Confirm) {}

fn main() {}
