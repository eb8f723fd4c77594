//! The link against real brokers, and against sockets that the tests script.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod conversation;
mod fake;
mod faults;
mod rig;
mod silence;

/// The same tests against both releases.
macro_rules! on_both_releases {
    ($($module:ident :: $test:ident),* $(,)?) => {
        mod rabbit3 {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let broker = rmq_tests::broker::announced(rmq_tests::broker::Release::V3).unwrap();
                super::$module::$test(&broker.address()).await;
            })*
        }
        mod rabbit4 {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let broker = rmq_tests::broker::announced(rmq_tests::broker::Release::V4).unwrap();
                super::$module::$test(&broker.address()).await;
            })*
        }
    };
}

on_both_releases! {
    conversation::a_publish_has_its_verdict_and_a_delivery_is_acknowledged,
}
