//! The link against real brokers, and against sockets that the tests script.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod alarm;
mod bodies;
mod closes;
mod conversation;
mod fake;
mod faults;
mod heartbeats;
mod late;
mod limits;
mod login;
mod nested;
mod order;
mod rig;
mod secrecy;
mod silence;
mod silent_calls;
mod verdicts;

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
    closes::a_consumer_whose_channel_or_queue_goes_is_told,
    closes::channels_closed_by_the_broker_leave_the_connection_serving,
    closes::closes_from_both_sides_in_a_burst_leave_the_connection_and_every_verdict,
    closes::consumers_that_the_broker_cancels_are_not_kept,
    closes::many_consumers_come_and_go_on_one_channel,
    conversation::a_declaration_that_differs_says_in_which_argument,
    conversation::a_get_gives_a_message_or_none,
    conversation::a_message_whose_get_was_given_up_goes_back,
    conversation::a_publish_has_its_verdict_and_a_delivery_is_acknowledged,
    conversation::a_thousand_links_that_fail_leave_no_thread_behind,
    conversation::a_wrong_password_a_missing_virtual_host_and_nobody_there_are_told_apart,
    conversation::properties_that_do_not_fit_a_frame_are_refused_and_nothing_else_is_hurt,
    conversation::topology_is_declared_bound_unbound_and_deleted,
    heartbeats::traffic_in_one_direction_only_keeps_the_link,
    limits::messages_over_the_limits_are_events_of_their_own,
    login::a_link_in_memory_talks_like_one_over_tcp,
    nested::a_deeply_nested_header_table_hurts_nobody,
    secrecy::neither_password_nor_payload_reaches_the_log,
    verdicts::a_full_queue_nacks_the_right_ones,
    verdicts::every_tenth_unroutable_of_five_thousand_in_flight_has_no_wrong_verdict,
}
