use rmq_core::prelude::*;

#[rabbit_config]
struct Shop;

#[rabbit_config(file = "rabbit.yml")]
impl Shop {}

fn main() {}
