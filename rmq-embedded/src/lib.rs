//! An AMQP 0-9-1 broker inside the process, for the first run, for development and for tests.
//!
//! It speaks to any client as RabbitMQ does, with the same replies, codes and texts, and does on request what
//! RabbitMQ does once a year. Everything is in memory and nothing survives the process: production is RabbitMQ.

mod broker;
mod builder;
mod control;
mod error;
mod fault;
mod link;
mod model;
mod permissions;
mod record;
mod settings;
mod wire;

pub use broker::EmbeddedBroker;
pub use builder::Builder;
pub use error::StartError;
pub use fault::{At, Fault, OnAck, OnConnection, OnDelivery, OnMethod, OnPublish, Script};
pub use permissions::Permissions;
pub use record::{Event, Missed, Record, Recorded};
