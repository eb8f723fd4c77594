//! What the tests of the whole workspace share: private RabbitMQ nodes, a client that sees every frame, and the log.
//!
//! Nothing here is published. A test reaches a real broker through [`broker`]; a broker that already
//! runs on the machine is never touched.

pub mod broker;
pub mod log;
pub mod process;
pub mod raw;
