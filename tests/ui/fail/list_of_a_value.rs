use rmq_core::prelude::*;

fn main() {
    let _ = listeners!["on_order"];
}
