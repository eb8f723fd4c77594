//! What the attributes expand to. Not for people: it changes without notice.

use std::sync::Arc;

pub use inventory;

pub use crate::app::{RabbitApp, RabbitBuilder, StartError};
pub use crate::converter::MessageConverter;
pub use crate::handler::{
    argument, arguments, asynchronous, asynchronous_callback, blocking, blocking_callback,
    callback_argument, callback_result, header, manual, not_manual, outcome, receiver,
    with_message,
};
pub use crate::message::{Confirm, RabbitMessage, ReturnedMessage};
pub use crate::registry::{
    AcknowledgeMode, CallbackDescriptor, ComponentDescriptor, Concurrency, ConfigurationDescriptor,
    DeclarablesDescriptor, ExecutorOptions, ListenerBinding, ListenerDescriptor, ListenerOptions,
    OnFailure, RabbitConfiguration, Registrations, RetryOptions, Source, asynchronous_component,
    blocking_component, component_argument, declare, declared, fallible, infallible, owner,
    owner_of_method,
};

/// The builder of a configuration: what `Type::builder()` gives.
pub fn builder<C: RabbitConfiguration>(configuration: C) -> RabbitBuilder {
    RabbitBuilder::new(configuration)
}

/// A converter of an attribute, shared.
pub fn converter(converter: impl MessageConverter) -> Arc<dyn MessageConverter> {
    Arc::new(converter)
}

/// An error at the type if it has no `#[rabbit_config]`.
pub const fn is_configuration<T: RabbitConfiguration>() {}
