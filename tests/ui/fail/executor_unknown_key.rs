use rmq_core::prelude::*;

#[rabbit_config(executor(core = 16))]
struct Shop;

fn main() {}
