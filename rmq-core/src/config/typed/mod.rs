//! The settings as plain structs, for the other rooms.

mod address;
mod connection;
mod executor;
mod listener;
mod listener_values;
mod publisher;
mod rabbit;
mod retry;
mod ssl;
mod template;
mod topology;
mod topology_arguments;

pub use self::address::{Address, Credentials};
pub use self::connection::{ConnectionProperties, RecoveryProperties, SaslMechanism, ShuffleMode};
pub use self::executor::{ExecutorProperties, RejectionPolicy};
pub use self::listener::{ListenerProperties, ListenerSettings};
pub use self::listener_values::{AcknowledgeMode, Concurrency, DeadLetterSource, OnFailure};
pub use self::publisher::PublisherProperties;
pub use self::rabbit::{Origins, RabbitProperties};
pub use self::retry::RetryProperties;
pub use self::ssl::{SslProperties, StoreProperties, StoreType, TlsVersion};
pub use self::template::{Resend, TemplateProperties};

pub(super) use self::rabbit::read_rabbit;
