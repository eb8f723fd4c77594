//! What a program needs: `use rmq_core::prelude::*;`.
//!
//! Neither an `Error` nor a `Result` is in it: a glob of those would change what `Result<(), u32>` means.

pub use crate::app::RabbitApp;
pub use crate::converter::{JsonConverter, MessageConverter};
pub use crate::handler::{
    Acknowledgement, Acknowledger, DeliveryFacts, Fatal, Reply, RetryAfter, RoutingKey, State,
};
pub use crate::message::{
    Confirm, CorrelationData, Headers, Message, MessageProperties, PublishOutcome, RabbitMessage,
    ReturnedMessage,
};
pub use crate::template::{PublishErrorKind, RabbitTemplate};
pub use crate::topology::{Binding, DeadLetter, Declarables, Exchange, Queue};
pub use rmq_macros::{
    RabbitMessage, component, declarables, listeners, on_confirm, on_return, rabbit_config,
    rabbit_listener,
};
