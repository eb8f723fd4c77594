//! What the attributes expand to. Not for people: it changes without notice.

use std::sync::Arc;

pub use inventory;

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

mod until_app {
    //! Stands in for `app` and `template` until they land: enough for the attributes to be checked.

    use crate::registry::{RabbitConfiguration, Registrations};

    /// `app::RabbitBuilder`
    #[derive(Debug)]
    pub struct RabbitBuilder;

    /// `app::RabbitApp`
    #[derive(Debug)]
    pub struct RabbitApp;

    impl RabbitBuilder {
        /// Only these.
        #[must_use]
        pub fn only(self, _: Registrations) -> Self {
            self
        }

        /// `app` is not there yet.
        ///
        /// # Errors
        /// Always.
        pub async fn start(self) -> Result<RabbitApp, crate::Error> {
            Err(crate::converter::ConversionError::reading::<Self>("`app` is not there yet").into())
        }
    }

    /// `app`'s door.
    pub fn builder<C: RabbitConfiguration>(_: C) -> RabbitBuilder {
        RabbitBuilder
    }

    pub use crate::Error as StartError;
}

pub use until_app::{RabbitApp, RabbitBuilder, StartError, builder};

/// A converter of an attribute, shared.
pub fn converter(converter: impl MessageConverter) -> Arc<dyn MessageConverter> {
    Arc::new(converter)
}

/// An error at the type if it has no `#[rabbit_config]`.
pub const fn is_configuration<T: RabbitConfiguration>() {}
