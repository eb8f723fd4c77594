use rmq_core::prelude::*;
use std::cell::Cell;

#[rabbit_config]
struct Shop {
    handled: Cell<u64>,
}

fn main() {}
