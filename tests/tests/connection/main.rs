//! Connections and the admin against real brokers: refusals, rotation, kills, alarms, topology, TLS.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod admin;
mod authority;
mod blocked;
mod channels;
mod cluster;
mod credentials;
mod recovery;
mod refused_certificate;
mod start;
mod support;
mod tls;
mod topology;
