use rmq_core::prelude::*;

#[on_return]
fn returned(message: ReturnedMessage, #[header("x-tenant")] tenant: String) {}

fn main() {}
