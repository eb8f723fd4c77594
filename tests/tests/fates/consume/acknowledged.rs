//! Acknowledged only after the handler succeeded, and its reply was confirmed.

use rmq_core::prelude::*;
use rmq_embedded::Event;

use super::shop::{Script, consuming, is_ack};
use crate::stage::{Stage, ends, place};

#[tokio::test]
async fn nothing_is_acknowledged_before_its_handler_has_succeeded() {
    let script = Script::gated();
    let stage = consuming!(on_order, "", &script);
    stage.send_order("a").await;
    script.calls(1).await;
    assert_eq!(stage.acks(), 0);
    assert_eq!(stage.broker.unacked_count("orders"), Some(1));
    script.gate.add_permits(1);
    assert_eq!(stage.settled(1).await.deliveries.acknowledged, 1);
    stage.seen(is_ack).await;
    let ledger = stage.finish().await.delivered.deliveries;
    assert_eq!(ledger.unproven_acks, 0, "{ledger}");
}

#[tokio::test]
async fn an_order_handled_while_an_earlier_one_is_not_is_not_acknowledged_with_it() {
    let script = Script::new(|seen| async move {
        if seen.id == "a" {
            std::future::pending::<()>().await;
        }
        Ok(Acknowledgement::Ack)
    });
    let two =
        "  listeners: { on_order: { concurrency: 2, prefetch: 1 } }\n  shutdown-timeout: 200ms\n";
    let stage = consuming!(on_order, two, &script);
    stage.order_all(&["a", "b", "c", "d"]).await;
    stage.settled(3).await;
    // Only the one that is not handled; the last ack may still be on its way.
    stage.until_unacked(1).await;
    let broker = std::sync::Arc::clone(&stage.broker);
    let (ledger, report) = stage.finish_unsettled().await;
    let ids: Vec<_> = report
        .deliveries()
        .iter()
        .map(|one| one.message_id.as_deref())
        .collect();
    assert_eq!(ids, [Some("a")]);
    assert_eq!(ledger.delivered.deliveries.left_to_broker, 1);
    assert_eq!(broker.ready_count("orders"), Some(1));
}

/// Declares a queue for answers and asks with its name.
async fn ask(stage: &Stage, id: &str, answers: &str) {
    let mut order = Message::new(format!("\"{id}\"")).with_message_id(id.to_owned());
    order.properties_mut().reply_to = Some(answers.into());
    order.properties_mut().content_type = Some("application/json".into());
    let sent = stage.template().send("orders", "in", order).into_future();
    ends("a request", sent).await.unwrap();
}

async fn answers_queue(stage: &Stage) {
    let queue = Queue::classic("answers").dead_letter(DeadLetter::None);
    stage.app.admin().declare_queue(queue).await.unwrap();
}

#[tokio::test]
async fn a_request_is_acknowledged_only_after_its_reply_was_confirmed() {
    let script = Script::done();
    let stage = consuming!(answers, "", &script);
    answers_queue(&stage).await;
    stage.broker.on_publish().with_key("answers").hold_confirm();
    ask(&stage, "a", "answers").await;
    let stored =
        |event: &Event| matches!(event, Event::Stored { queue, .. } if &**queue == "answers");
    stage.seen(stored).await;
    // Whoever could go on has gone on.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.acks(), 0, "its reply is stored, and nobody knows yet");
    stage.broker.release_confirms();
    stage.settled(1).await;
    stage.seen(is_ack).await;
    assert_eq!(stage.broker.ready_count("answers"), Some(1));
    assert_eq!(stage.finish().await.delivered.deliveries.acknowledged, 1);
}

#[tokio::test]
async fn a_reply_that_is_nacked_is_sent_again_without_calling_the_handler_again() {
    let script = Script::done();
    let stage = consuming!(answers, "", &script);
    answers_queue(&stage).await;
    stage
        .broker
        .on_publish()
        .with_key("answers")
        .times(2)
        .nack();
    ask(&stage, "a", "answers").await;
    assert_eq!(stage.settled(1).await.deliveries.acknowledged, 1);
    assert_eq!(script.seen().len(), 1);
    assert_eq!(stage.broker.ready_count("answers"), Some(1));
    let ledger = stage.finish().await;
    assert_eq!(ledger.published.nacked, 2, "{ledger}");
}

#[tokio::test]
async fn a_request_whose_reply_no_queue_takes_is_dead_lettered_not_acknowledged() {
    let script = Script::done();
    let stage = consuming!(answers, "", &script);
    ask(&stage, "a", "nobody").await;
    assert_eq!(stage.settled(1).await.deliveries.dead_lettered, 1);
    assert_eq!(script.seen().len(), 1);
    let ledger = stage.finish().await;
    assert_eq!(ledger.published.returned, 1, "{ledger}");
}

/// Brokers return a mandatory answer to direct reply-to although they deliver it.
#[tokio::test]
async fn a_reply_to_direct_reply_to_goes_without_mandatory_and_its_ack_is_its_end() {
    let script = Script::done();
    let stage = consuming!(answers, "", &script);
    let template = stage.template();
    let asked = template.convert_send_and_receive::<_, String>("orders", "in", "hello");
    ends("a reply", asked).await.unwrap();
    assert_eq!(stage.settled(1).await.deliveries.acknowledged, 1);
    let record = stage.record();
    assert_eq!(
        record.count(|event| matches!(event, Event::Returned { .. })),
        0
    );
    let ledger = stage.finish().await;
    assert_eq!(
        (ledger.published.confirmed, ledger.published.returned),
        (2, 0),
        "{ledger}"
    );
}

#[tokio::test]
async fn by_hand_a_delivery_is_settled_once() {
    let script = Script::gated();
    let stage = consuming!(by_hand, "", &script);
    stage.send_order("a").await;
    script.calls(1).await;
    let kept = script.acknowledgers().remove(0);
    kept.ack().unwrap();
    assert!(kept.reject().is_err());
    script.gate.add_permits(1);
    stage.settled(1).await;
    assert!(kept.ack().is_err());
    stage.seen(is_ack).await;
    let record = stage.record();
    assert_eq!(record.count(is_ack), 1);
    assert_eq!(
        record.count(|event| matches!(event, Event::Rejected { .. })),
        0
    );
    stage.finish().await;
}

#[tokio::test]
async fn by_hand_unsettled_at_return_is_a_failure() {
    let script = Script::done();
    let stage = consuming!(by_hand, "", &script);
    stage.send_order("a").await;
    assert_eq!(stage.settled(1).await.deliveries.dead_lettered, 1);
    assert_eq!(script.seen().len(), 1);
    stage.finish().await;
}

/// The broker says each delivery twice: two deliveries, two ends.
#[tokio::test]
async fn a_delivery_said_twice_is_two_deliveries_and_both_are_acknowledged() {
    let script = Script::done();
    let stage = consuming!(on_order, "", &script);
    stage.broker.on_delivery().duplicate();
    stage.broker.on_delivery().nth(2).redeliver();
    stage.order_all(&["a", "b"]).await;
    let counts = stage.settled(4).await.deliveries;
    assert_eq!((counts.delivered, counts.acknowledged), (4, 4), "{counts}");
    let last = script.seen().pop().unwrap();
    assert!(last.redelivered);
    stage.finish().await;
}

/// Acks that finished while others were on their way go out together, and never beyond an unfinished one.
#[tokio::test]
async fn a_thousand_acks_are_gathered_and_each_delivery_is_settled_once() {
    let script = Script::done();
    let stage = consuming!(on_order, "", &script);
    let orders = (0..1_000).map(|n| {
        let order = stage.template().convert_and_send("orders", "in", "x");
        order.message_id(n.to_string())
    });
    let sent = ends("all", stage.template().send_all(orders)).await;
    assert!(sent.iter().all(Result::is_ok));
    stage.settled(1_000).await;
    stage.until_unacked(0).await;
    let record = stage.record();
    let first = place(&record, "delivery", |event| {
        matches!(event, Event::Delivered { .. })
    });
    assert!(first < place(&record, "ack", is_ack));
    let closed = |event: &Event| matches!(event, Event::ChannelClosed { .. });
    assert_eq!(record.count(closed), 0, "no 406");
    let ledger = stage.finish().await.delivered.deliveries;
    assert_eq!(ledger.acknowledged, 1_000, "{ledger}");
}
