//! Parked: published again with the cause, confirmed, and only then acknowledged.

use rmq_core::prelude::*;
use rmq_embedded::Event;

use super::shop::{Script, consuming, is_ack, is_requeue};
use crate::stage::{Stage, ends, place};

const PARK: &str = "  listeners: { on_order: { on-failure: \"park:parking\", retry: { initial-interval: 5ms } } }\n";

async fn parking(stage: &Stage) {
    let queue = Queue::classic("parking").dead_letter(DeadLetter::None);
    stage.app.admin().declare_queue(queue).await.unwrap();
}

fn broken() -> Script {
    Script::new(|_| async { Err(Fatal::new("no such customer").into()) })
}

fn is_parked(event: &Event) -> bool {
    matches!(event, Event::Stored { queue, .. } if &**queue == "parking")
}

#[tokio::test]
async fn the_original_is_acknowledged_only_after_its_copy_was_confirmed() {
    let script = broken();
    let stage = consuming!(on_order, PARK, &script);
    parking(&stage).await;
    stage.broker.on_publish().with_key("parking").hold_confirm();
    stage.send_order("a").await;
    stage.seen(is_parked).await;
    // Whoever could go on has gone on.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.acks(), 0);
    assert_eq!(stage.broker.unacked_count("orders"), Some(1));
    stage.broker.release_confirms();
    assert_eq!(stage.settled(1).await.deliveries.parked, 1);
    stage.seen(is_ack).await;
    let parked = ends("a get", stage.template().receive("parking")).await;
    let parked = parked.unwrap().unwrap();
    let header = |name| {
        parked
            .message()
            .header(name)
            .and_then(|value| value.as_str())
    };
    let cause = header("x-exception-message").unwrap();
    assert!(cause.contains("no such customer"), "{cause}");
    assert_eq!(header("x-original-queue"), Some("orders"));
    assert_eq!(parked.message().message_id(), Some("a"), "the same message");
    assert_eq!(stage.broker.ready_count("orders.dlq"), Some(0));
    stage.finish().await;
}

#[tokio::test]
async fn a_parking_copy_that_no_queue_takes_leaves_the_original_where_it_was() {
    let script = broken();
    let stage = consuming!(on_order, PARK, &script);
    stage.send_order("a").await;
    stage.seen(is_requeue).await;
    assert_eq!(stage.acks(), 0, "returned is not parked");
    parking(&stage).await;
    stage.seen(is_parked).await;
    stage.seen(is_ack).await;
    let counts = stage.finish().await.delivered.deliveries;
    assert_eq!(counts.parked, 1, "{counts}");
    assert!(counts.requeued >= 1, "{counts}");
}

#[tokio::test]
async fn a_parking_copy_that_is_nacked_leaves_the_original_where_it_was() {
    let script = broken();
    let stage = consuming!(on_order, PARK, &script);
    parking(&stage).await;
    stage.broker.on_publish().with_key("parking").nack();
    stage.send_order("a").await;
    stage.seen(is_ack).await;
    let record = stage.record();
    assert!(place(&record, "requeue", is_requeue) < place(&record, "ack", is_ack));
    let counts = stage.finish().await.delivered.deliveries;
    assert_eq!((counts.parked, counts.requeued), (1, 1), "{counts}");
}

/// Its channel died while the handler ran: the broker delivers it again, and a copy now would be one too many.
#[tokio::test]
async fn what_is_left_to_the_broker_is_not_parked_as_well() {
    let script = Script::gated_then(|_| Err(Fatal::new("no such customer").into()));
    let stage = consuming!(on_order, PARK, &script);
    parking(&stage).await;
    stage.send_order("a").await;
    script.calls(1).await;
    stage.broker.cut_all();
    super::left_to_broker::until_lost(&stage).await;
    script.gate.add_permits(2);
    stage.settled(2).await;
    stage.seen(is_parked).await;
    let counts = stage.finish().await.delivered.deliveries;
    assert_eq!((counts.parked, counts.left_to_broker), (1, 1), "{counts}");
    assert_eq!(script.seen().len(), 2);
}

/// Its handler has failed, and what it left running settles by hand while the copy waits for its confirm.
#[tokio::test]
async fn a_settlement_by_hand_while_the_copy_is_on_its_way_stands_and_is_the_only_one() {
    let script = broken();
    let stage = consuming!(by_hand, PARK, &script);
    parking(&stage).await;
    stage.broker.on_publish().with_key("parking").hold_confirm();
    stage.send_order("a").await;
    stage.seen(is_parked).await;
    script.acknowledgers().remove(0).ack().unwrap();
    stage.seen(is_ack).await;
    stage.broker.release_confirms();
    let record = stage.record();
    let counts = stage.finish().await.delivered.deliveries;
    assert_eq!((counts.acknowledged, counts.parked), (1, 0), "{counts}");
    assert_eq!(counts.stale_settlements, 0, "{counts}");
    assert_eq!(record.count(is_ack), 1);
}
