use std::fmt;
use std::sync::Arc;

use super::{Owner, Source, owner_of_method};
use crate::converter::MessageConverter;

/// A struct with `#[rabbit_config]`. Implemented by the attribute only.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a configuration",
    label = "no `#[rabbit_config]`",
    note = "put `#[rabbit_config]` on the struct `{Self}` itself; on its `impl` block it only collects methods"
)]
pub trait RabbitConfiguration: Send + Sync + 'static {
    /// What the attribute says.
    const DESCRIPTOR: ConfigurationDescriptor;
}

/// What `executor(...)` says about the pool; `None` where it says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExecutorOptions {
    /// Threads or handlers kept, from 1.
    pub core_size: Option<u32>,
    /// Handlers at once, at most.
    pub max_size: Option<u32>,
    /// Deliveries that may wait for the pool.
    pub queue_capacity: Option<u32>,
    /// The beginning of its threads' names.
    pub thread_name_prefix: Option<&'static str>,
    /// `caller-runs` or `abort`.
    pub rejection_policy: Option<&'static str>,
    /// Whether a stop lets running handlers finish.
    pub await_termination: Option<bool>,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => {
        impl ExecutorOptions {
            /// Nothing said.
            #[must_use]
            pub const fn new() -> Self {
                Self { $($name: None),* }
            }
            $($(#[$doc])*
            #[must_use]
            pub const fn $name(mut self, $name: $type) -> Self {
                self.$name = Some($name);
                self
            })*
        }
    };
}

setters! {
    /// With this core size.
    core_size: u32,
    /// With this bound.
    max_size: u32,
    /// With so many waiting.
    queue_capacity: u32,
    /// With this beginning of names.
    thread_name_prefix: &'static str,
    /// With this policy.
    rejection_policy: &'static str,
    /// Waiting for running handlers, or not.
    await_termination: bool,
}

/// What `#[rabbit_config]` on a struct leaves behind.
#[derive(Clone, Copy)]
pub struct ConfigurationDescriptor {
    /// The struct's name.
    pub name: &'static str,
    /// Where the attribute stands.
    pub source: Source,
    /// The type.
    pub owner: Owner,
    /// The configuration file, if the attribute names one.
    pub file: Option<&'static str>,
    /// The broker's name, if it is not the only one: `rabbitmq.brokers.<name>`.
    pub broker: Option<&'static str>,
    /// Makes the converter, if the attribute names one.
    pub converter: Option<fn() -> Arc<dyn MessageConverter>>,
    /// The pool.
    pub executor: ExecutorOptions,
    /// Ids of listeners that have to be there.
    pub expect_listeners: &'static [&'static str],
}

inventory::collect!(ConfigurationDescriptor);

impl ConfigurationDescriptor {
    /// A configuration of a struct.
    #[must_use]
    pub const fn new<T: 'static>(name: &'static str, source: Source) -> Self {
        Self {
            name,
            source,
            owner: owner_of_method::<T>(),
            file: None,
            broker: None,
            converter: None,
            executor: ExecutorOptions::new(),
            expect_listeners: &[],
        }
    }

    /// With a file.
    #[must_use]
    pub const fn file(mut self, file: &'static str) -> Self {
        self.file = Some(file);
        self
    }

    /// With a named broker.
    #[must_use]
    pub const fn broker(mut self, name: &'static str) -> Self {
        self.broker = Some(name);
        self
    }

    /// With a converter.
    #[must_use]
    pub const fn converter(mut self, converter: fn() -> Arc<dyn MessageConverter>) -> Self {
        self.converter = Some(converter);
        self
    }

    /// With a pool.
    #[must_use]
    pub const fn executor(mut self, executor: ExecutorOptions) -> Self {
        self.executor = executor;
        self
    }

    /// With listeners that have to be there.
    #[must_use]
    pub const fn expect_listeners(mut self, ids: &'static [&'static str]) -> Self {
        self.expect_listeners = ids;
        self
    }
}

impl fmt::Debug for ConfigurationDescriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigurationDescriptor")
            .field("name", &self.name)
            .field("source", &self.source)
            .field("file", &self.file)
            .field("broker", &self.broker)
            .finish_non_exhaustive()
    }
}
