//! The two tables of fates, row by row, each provoked by a fault that the broker inside the process commits.
//!
//! What is proven elsewhere as well, and not repeated here:
//!
//! | clause | test |
//! |---|---|
//! | verdicts under load on real brokers | `template::verdicts` |
//! | culprit search on real brokers, classic and quorum | `template::culprit` |
//! | a fanout to a full queue and an open one | `template::verdicts` |
//! | five kills during a long burst | `template::kill` |
//! | callbacks on a bounded executor; a slow callback is dropped and reported | `rmq_core::template::engine::tests::callbacks` |
//! | a channel that keeps half the window to itself is replaced | `template::fates` |
//! | deep header tables are dead-lettered intact | `listener::failure` |
//! | slowness: prefetch against `consumer_timeout`, each handed back at most once | `listener::pace`, `listener::faults` |
//! | a listener without a known dead-letter route does not start | `kit`, `rmq_core::listener::plan` |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod consume;
mod publish;
mod stage;
