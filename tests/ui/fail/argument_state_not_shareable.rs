use rmq_core::prelude::*;
use std::rc::Rc;

#[rabbit_listener(queue = "orders")]
fn on_order(order: String, counter: State<Rc<u8>>) {}

fn main() {}
