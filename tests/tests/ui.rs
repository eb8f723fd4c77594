//! What the attributes accept, and how they refuse: each mistake gives one error that says how to mend it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unused_attributes,
    reason = "a test fails by panicking; the programs are whole files"
)]

#[path = "../ui/pass/functions.rs"]
mod functions;
#[path = "../ui/pass/methods.rs"]
mod methods;
