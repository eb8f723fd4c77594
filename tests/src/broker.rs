//! Private RabbitMQ nodes: own data folders, own ports, own node names, own cookie, own port mapper.
//!
//! - Ordinary tests use the brokers that `tests/run` started and announced: [`announced`].
//! - A test that kills, restarts, blocks or configures a broker starts its own: [`Node`], [`Cluster`].
//!
//! Everything started here is stopped when its owner is dropped, and also when the process that owns it
//! is killed (see [`guard`]).

mod announced;
mod cluster;
mod config;
mod error;
pub mod guard;
mod launch;
mod layout;
mod names;
mod node;
mod ports;
mod ready;
mod release;

pub use announced::{Announced, announced};
pub use cluster::{Cluster, stop_kept};
pub use config::{NodeConfig, TlsFiles};
pub use error::BrokerError;
pub use names::unique;
pub use node::Node;
pub use release::{Installation, Release};
