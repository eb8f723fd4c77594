//! A kit for tests of listeners (feature `testing`).

mod harness;

pub use harness::RabbitHarness;
