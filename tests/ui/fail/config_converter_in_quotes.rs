use rmq_core::prelude::*;

#[rabbit_config(converter = "JsonConverter")]
struct Shop;

fn main() {}
