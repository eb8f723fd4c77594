use rmq_core::prelude::*;

#[rabbit_config]
struct Shop<T>(T);

fn main() {}
