mod acknowledgers;
mod arguments;
mod calls;
mod headers;
mod results;

use std::sync::Arc;

use serde::Deserialize;

use super::*;
use crate::component::Components;
use crate::converter::JsonConverter;
use crate::message::{Delivery, Message, Origin};

#[derive(Debug, PartialEq, Deserialize)]
struct Order {
    id: u64,
}

fn context_of(message: Message, components: Components) -> HandlerContext {
    let scope = HandlerScope {
        listener: "on-order".try_into().unwrap(),
        queue: "orders".try_into().unwrap(),
        components,
        converter: Arc::new(JsonConverter),
    };
    let origin = Origin {
        consumer_tag: "consumer".into(),
        ..Origin::default()
    };
    let delivery = Delivery::of(message, "shop", "order.created")
        .with_tag(7)
        .with_redelivered(true)
        .with_origin(origin);
    HandlerContext::new(delivery, Arc::new(scope))
}

fn context(message: Message) -> HandlerContext {
    context_of(message, Components::new())
}

fn take<T, Via>(
    argument: Argument<T, Via, HandlerContext>,
    context: &HandlerContext,
) -> Result<T, Rejection> {
    (argument.read)(&argument, context)
}
