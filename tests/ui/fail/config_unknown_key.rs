use rmq_core::prelude::*;

#[rabbit_config(path = "rabbit.yml")]
struct Shop;

fn main() {}
