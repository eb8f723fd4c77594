//! An AMQP 0-9-1 broker inside the process, for the first run, for development and for tests.
//!
//! It speaks to any client as RabbitMQ does, with the same replies, codes and texts, and does on request what
//! RabbitMQ does once a year. Everything is in memory and nothing survives the process: production is RabbitMQ.
//!
//! Three ways to it:
//!
//! - [`EmbeddedBroker::start`] listens on a free port of 127.0.0.1; [`EmbeddedBroker::connect`] gives a link without a socket.
//! - `cargo run -p rmq-embedded -- --port 5672` is a program that any client in any language can be pointed at.
//! - `addresses: embedded` in a `rabbit.yml` of `rmq-core` (feature `embedded`).
//!
//! A test scripts faults and asserts on the record:
//!
//! ```
//! use std::time::Duration;
//! use rmq_embedded::{EmbeddedBroker, Event};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let broker = EmbeddedBroker::builder().max_connections(10).start().await?;
//! // The third message for `orders` is stored, and its publisher's link is cut before the confirm.
//! let fault = broker.on_publish().to_queue("orders").nth(3).cut_after_storing();
//! // What any client does now is written down, in order.
//! drop(broker.connect());
//! let connected = |event: &Event| matches!(event, Event::Connected);
//! broker.record().wait_for(Duration::from_secs(5), connected).await?;
//! assert_eq!(fault.fired(), 0);
//! # Ok(())
//! # }
//! ```

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
