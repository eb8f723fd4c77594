//! Listeners against real brokers: what becomes of every delivery.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod between;
mod declared;
mod exclusive;
mod failure;
#[path = "../transport/fake.rs"]
#[allow(dead_code, reason = "the transport's tests use the rest of it")]
mod fake;
mod faults;
mod handling;
mod lifecycle;
mod limits;
mod modes;
mod pace;
mod pool;
#[path = "../template/relay.rs"]
#[allow(dead_code, reason = "the template's tests use the rest of it")]
mod relay;
mod reply;
mod rig;
mod stop;
mod trace;
mod turns;
mod wire;

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
    handling::every_message_is_handled_and_acknowledged,
    handling::one_consumer_keeps_the_order_over_sleeping_retries,
    handling::several_queues_share_a_listener_and_a_missing_one_joins_later,
    handling::a_busy_listener_gets_consumers_up_to_its_maximum,
    failure::attempts_are_spent_and_then_the_original_is_dead_lettered,
    failure::a_fatal_error_and_a_panic_are_dead_lettered_at_once,
    failure::deep_header_tables_are_dead_lettered_intact_and_the_next_message_is_handled,
    limits::a_message_over_a_limit_is_dead_lettered_intact_and_the_next_one_is_handled,
    limits::a_message_over_a_limit_is_not_parked_but_dead_lettered_intact,
    limits::without_acknowledgements_a_message_over_a_limit_is_counted_as_lost,
    failure::a_parked_message_carries_its_cause_and_leaves_its_queue,
    failure::a_message_that_cannot_be_parked_goes_back_and_is_not_lost,
    failure::a_requeue_waits_for_the_back_off,
    failure::a_recoverer_of_the_user_decides,
    failure::a_panic_beside_the_handler_harms_no_neighbour,
    failure::a_message_that_nobody_can_publish_is_dead_lettered_instead_of_parked,
    modes::manual_settlements_are_the_handlers,
    modes::without_acknowledgements_everything_is_handled_and_memory_is_bounded,
    reply::an_answer_is_confirmed_before_its_request_is_acknowledged,
    reply::an_answer_to_nobody_is_a_failure,
    reply::each_requester_gets_the_answer_of_a_listener,
    lifecycle::a_missing_queue_is_waited_for_and_a_deleted_one_too,
    lifecycle::a_queue_that_was_deleted_comes_back_while_another_is_busy,
    lifecycle::a_stop_finishes_what_runs_and_hands_back_what_was_not_started,
    lifecycle::a_stop_with_a_large_prefetch_hands_back_when_the_handler_is_done,
    lifecycle::a_stop_reports_what_it_cut_off_by_id,
    lifecycle::a_paused_listener_takes_nothing_and_resumes,
    lifecycle::an_exclusive_listener_waits_for_its_turn,
    lifecycle::a_listener_whose_connection_has_ended_for_good_has_failed,
    declared::the_bindings_of_an_attribute_are_declared_and_carry_messages,
    declared::a_stream_is_declared_published_to_and_consumed,
    declared::exchanges_hand_on_to_exchanges_and_alternates_and_by_headers,
    exclusive::one_that_went_with_its_last_consumer_is_declared_again,
    exclusive::one_without_acknowledgements_is_declared_again_too,
    exclusive::each_belongs_to_the_connection_that_consumes_it,
    stop::a_stop_under_load_acknowledges_or_gives_back_every_delivery,
    stop::a_stop_under_load_loses_no_ack_of_a_quorum_queue,
    stop::a_stop_with_a_small_prefetch_loses_no_ack_of_a_quorum_queue,
    trace::the_trace_of_a_message_is_the_handlers_and_of_what_it_publishes,
    pool::plain_functions_run_on_the_pools_threads,
    pool::one_pool_bounds_all_listeners,
    pool::abort_hands_back_once_and_loses_nothing,
    pace::a_slow_handler_gets_a_smaller_prefetch_and_nothing_unhandled_is_dead_lettered,
    pace::a_stuck_handler_lets_nothing_wait_behind_it,
    pace::an_auto_delete_queue_is_slowed_down_and_not_lost,
    pace::a_stuck_handler_does_not_delete_an_auto_delete_queue,
    pace::without_acknowledgements_an_auto_delete_queue_is_not_held_back,
}

/// Some of them against the broker in the process, too.
macro_rules! on_the_embedded_broker {
    ($($module:ident :: $test:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let broker = rmq_embedded::EmbeddedBroker::start().await.unwrap();
                super::$module::$test(&broker.address().to_string()).await;
            })*
        }
    };
}

on_the_embedded_broker! {
    pace::an_auto_delete_queue_is_slowed_down_and_not_lost,
    pace::a_stuck_handler_does_not_delete_an_auto_delete_queue,
    pace::without_acknowledgements_an_auto_delete_queue_is_not_held_back,
    lifecycle::a_missing_queue_is_waited_for_and_a_deleted_one_too,
    lifecycle::a_queue_that_was_deleted_comes_back_while_another_is_busy,
    handling::several_queues_share_a_listener_and_a_missing_one_joins_later,
    limits::a_message_over_a_limit_is_dead_lettered_intact_and_the_next_one_is_handled,
    failure::a_panic_beside_the_handler_harms_no_neighbour,
    failure::a_message_that_nobody_can_publish_is_dead_lettered_instead_of_parked,
    exclusive::one_that_went_with_its_last_consumer_is_declared_again,
    exclusive::one_without_acknowledgements_is_declared_again_too,
    exclusive::each_belongs_to_the_connection_that_consumes_it,
}
