//! What the attributes leave behind: descriptors of literals and one function pointer each, gathered by `inventory`.
//!
//! Order in the inventory is unspecified, so everything is sorted. Entries of a crate that nobody references vanish at
//! link time; the start report counts listeners by crate, and `expect_listeners` makes a missing one a fault.

mod callback;
mod collect;
mod component;
mod component_build;
mod component_method;
mod configuration;
mod declarables;
mod listener;
mod listener_binding;
mod listener_options;
mod owner;
mod registrations;
mod selection;
mod source;

pub use callback::{CallbackDescriptor, CallbackFunction};
pub use collect::Registry;
pub use component::ComponentDescriptor;
pub use component_build::build_components;
pub use component_method::{
    ComponentContext, ComponentFactory, ComponentFuture, ComponentResults, FallibleComponent,
    FromComponents, asynchronous_component, blocking_component, component_argument, fallible,
    infallible,
};
pub use configuration::{ConfigurationDescriptor, ExecutorOptions, RabbitConfiguration};
pub use declarables::{DeclarablesDescriptor, IntoDeclarables, IntoDeclared, declare, declared};
pub use listener::ListenerDescriptor;
pub use listener_binding::ListenerBinding;
pub use listener_options::{
    AcknowledgeMode, Concurrency, ListenerOptions, OnFailure, RetryOptions,
};
pub use owner::{Owner, owner, owner_of_method};
pub use registrations::{Registration, Registrations};
pub use selection::{RegisteredListener, Selection};
pub use source::Source;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests;
