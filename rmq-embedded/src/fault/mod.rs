//! Faults on demand: what a real broker does once a year, when a test asks for it.

mod rule;
mod script;

pub(crate) use rule::{Action, AtPublish, Occasion, Point, Rules};
pub use script::{At, Fault, OnAck, OnConnection, OnDelivery, OnMethod, OnPublish, Script};
