//! A kit for tests of listeners (feature `testing`): see [`RabbitHarness`].

mod error;
mod fate;
mod harness;
mod log;
mod turn;

pub use crate::observability::DeliveryEnd;
pub use error::NotSeen;
pub use fate::Fate;
pub use harness::RabbitHarness;
