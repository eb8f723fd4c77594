use rmq_core::prelude::*;

#[rabbit_config(executor(rejection_policy = "discard"))]
struct Shop;

fn main() {}
