use rmq_core::prelude::*;

struct Xml;

#[rabbit_config(converter = Xml)]
struct Shop;

fn main() {}
