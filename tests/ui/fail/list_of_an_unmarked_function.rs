use rmq_core::prelude::*;

fn on_order(order: String) {}

fn main() {
    let _ = listeners![on_order];
}
