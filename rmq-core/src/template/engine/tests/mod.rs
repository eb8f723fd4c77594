//! The engine over a scripted channel: every row of the table of fates, and scripts of chance.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod callbacks;
mod culprit;
mod deadline;
mod fake;
mod outcomes;
mod random;
mod resend;
mod retry;
mod rpc;
mod stop;
mod window;
