use rmq_core::prelude::*;

#[on_confirm]
async fn confirmed() {}

fn main() {}
