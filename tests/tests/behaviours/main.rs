//! What an AMQP broker does, one behaviour a test, with one expectation for all: the embedded broker, RabbitMQ 3.10
//! and RabbitMQ 4.0. Where the releases differ, the test says so by name of the release.
//!
//! The client is the raw one of this package: it sees every frame. A test that needs a real broker finds it where
//! `tests/run` announced it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod known_gaps;
mod private;
#[macro_use]
mod stage;

mod acknowledge;
mod alternate;
mod bindings;
mod channels;
mod confirms;
mod consumers;
mod content;
mod dead_letters;
mod exchanges;
mod framing;
mod get;
mod handshake;
mod headers_exchange;
mod lifecycle;
mod limits;
mod prefetch;
mod priorities;
mod publishing;
mod queue_arguments;
mod queues;
mod quorum;
mod reply_to;
mod routing;
mod transactions;
mod ttl;
