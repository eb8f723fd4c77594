//! The template against real brokers, and against the embedded one where a fault must be provoked.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod callbacks;
mod culprit;
mod fates;
mod kill;
mod limits;
mod pressure;
mod receive;
mod relay;
mod requests;
mod support;
mod verdicts;
mod waiting;
