//! Left to the broker: the channel died before the delivery was settled, so that it comes again. A stale settle is
//! counted, not sent.

use rmq_core::ListenerState;
use rmq_embedded::{Event, Fault, OnDelivery, Script as At};

use super::shop::{Script, consuming, is_ack};
use crate::stage::{Stage, ends};

/// Waits until the listener knows that its channel is gone: one of its deliveries, or its state, says so.
pub async fn until_lost(stage: &Stage) {
    let lost = async {
        let consuming = |stage: &Stage| {
            let health = stage.app.health();
            let mut connections = health.connections.into_iter();
            connections.all(|connection| connection.lost == 0)
        };
        while consuming(stage) {
            tokio::task::yield_now().await;
        }
    };
    ends("the loss", lost).await;
}

#[tokio::test]
async fn a_link_cut_while_the_handler_runs_and_its_stale_ack_is_counted_not_sent() {
    let script = Script::gated();
    let stage = consuming!(on_order, "", &script);
    stage.send_order("a").await;
    script.calls(1).await;
    stage.broker.cut_all();
    until_lost(&stage).await;
    script.gate.add_permits(2);
    let counts = stage.settled(2).await.deliveries;
    assert_eq!(
        (counts.left_to_broker, counts.acknowledged),
        (1, 1),
        "{counts}"
    );
    assert_eq!(counts.stale_settlements, 1, "{counts}");
    assert!(script.seen()[1].redelivered);
    stage.seen(is_ack).await;
    let record = stage.record();
    assert_eq!(record.count(is_ack), 1);
    let closed = |event: &Event| matches!(event, Event::ChannelClosed { .. });
    assert_eq!(
        record.count(closed),
        0,
        "an ack on another channel would be a 406"
    );
    stage.finish().await;
}

#[tokio::test]
async fn by_hand_a_stale_ack_is_an_error_for_the_handler() {
    let script = Script::gated();
    let stage = consuming!(by_hand, "", &script);
    stage.send_order("a").await;
    script.calls(1).await;
    stage.broker.cut_all();
    until_lost(&stage).await;
    let stale = script.acknowledgers().remove(0).ack();
    assert_eq!(
        stale,
        Err(rmq_core::handler::AcknowledgeError::ChannelEnded)
    );
    script.gate.add_permits(1);
    script.calls(2).await;
    script.acknowledgers().remove(1).ack().unwrap();
    script.gate.add_permits(1);
    let counts = stage.settled(2).await.deliveries;
    assert_eq!(
        (counts.left_to_broker, counts.acknowledged),
        (1, 1),
        "{counts}"
    );
    stage.finish().await;
}

/// Three orders are prefetched when the fault strikes at the third; all are handled in the end, none is stranded.
async fn comes_again(fault: impl Fn(At<OnDelivery>) -> Fault) {
    let script = Script::gated();
    let stage = consuming!(on_order, "", &script);
    let fault = fault(stage.broker.on_delivery().nth(3));
    stage.order_all(&["a", "b", "c"]).await;
    script.calls(1).await;
    let struck = |event: &Event| matches!(event, Event::Fault { .. });
    stage.seen(struck).await;
    script.gate.add_permits(6);
    // What was acknowledged on a link that the fault had cut comes again: the broker says when all is done.
    stage.until_unacked(0).await;
    assert_eq!(fault.fired(), 1);
    for id in ["a", "b", "c"] {
        assert!(script.seen().iter().any(|seen| seen.id == id), "{id}");
    }
    let counts = stage.finish().await.delivered.deliveries;
    // Duplicates: at most what one consumer held.
    assert!(counts.delivered <= 6, "{counts}");
}

#[tokio::test]
async fn a_link_cut_after_a_delivery() {
    comes_again(|at| at.cut_after()).await;
}

#[tokio::test]
async fn a_link_cut_in_the_middle_of_a_deliverys_frame() {
    comes_again(At::cut_in_frame).await;
}

#[tokio::test]
async fn a_channel_closed_by_the_broker() {
    comes_again(|at| at.close_channel(541, "the node is going away")).await;
}

#[tokio::test]
async fn a_connection_closed_by_the_broker() {
    comes_again(|at| at.close_connection(320, "the operator")).await;
}

#[tokio::test]
async fn a_broker_killed_and_back() {
    comes_again(At::restart).await;
}

#[tokio::test]
async fn a_consumer_cancelled_by_the_broker_comes_back_and_its_deliveries_are_settled() {
    comes_again(At::cancel_consumer).await;
}

/// The acks were written and never read; the deliveries come again when the channel ends, and the ledger says so.
#[tokio::test]
async fn acks_that_the_broker_has_not_read_are_unproven_and_their_orders_come_again() {
    let script = Script::done();
    let stage = consuming!(on_order, "", &script);
    stage.broker.on_ack().times(1).ignore();
    stage.send_order("a").await;
    stage.settled(1).await;
    stage
        .seen(|event| matches!(event, Event::Fault { .. }))
        .await;
    assert_eq!(stage.broker.unacked_count("orders"), Some(1));
    stage.broker.cut_all();
    let seen = script.calls(2).await;
    assert!(seen[1].redelivered);
    let counts = stage.settled(2).await.deliveries;
    assert_eq!(counts.acknowledged, 2, "{counts}");
    let ledger = stage.finish().await.delivered.deliveries;
    assert_eq!(ledger.unproven_acks, 1, "{ledger}");
}

/// Its queue is deleted under it: it shows that it waits, declares the queue again, and goes on.
#[tokio::test]
async fn a_deleted_queue_is_declared_again_and_its_listener_shows_its_state_meanwhile() {
    let script = Script::done();
    let stage = consuming!(on_order, "", &script);
    let mut state = stage.app.listeners().state("on_order").unwrap();
    // Not before the test has seen the state.
    let refuse = stage.broker.on_method("queue.declare").every_time();
    let refuse = refuse.close_channel(403, "not now");
    stage.app.admin().delete_queue("orders").await.unwrap();
    let waits = |state: &ListenerState| matches!(state, ListenerState::WaitingForQueue { .. });
    drop(ends("to wait", state.wait_for(waits)).await.unwrap());
    assert!(!stage.app.health().is_up());
    refuse.remove();
    drop(
        ends("to consume", state.wait_for(ListenerState::is_consuming))
            .await
            .unwrap(),
    );
    stage.send_order("a").await;
    assert_eq!(stage.settled(1).await.deliveries.acknowledged, 1);
    assert!(stage.app.health().is_up());
    stage.finish().await;
}
