use rmq_core::prelude::*;

#[rabbit_config(executor(core_size = 16, max_size = 8))]
struct Shop;

fn main() {}
