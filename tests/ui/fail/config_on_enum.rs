use rmq_core::prelude::*;

#[rabbit_config]
enum Shop {
    One,
}

fn main() {}
