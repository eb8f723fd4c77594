//! A stop: let running handlers finish, cancel, hand back the unstarted, flush acks, drain publishers, close.

use std::sync::Arc;
use std::time::Duration;

use rmq_core::ListenerState;
use rmq_core::prelude::*;
use rmq_embedded::Event;

use super::shop::{Script, consuming, is_ack, is_requeue};
use crate::stage::{ends, place};

fn is_method(wanted: &'static str) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::Method { name } if *name == wanted)
}

const SMALL_PREFETCH: &str = "  listeners: { on_order: { prefetch: 16 } }\n";

/// So little is prefetched that it goes back while the handler runs.
#[tokio::test]
async fn a_stop_with_a_small_prefetch_takes_its_steps_in_their_order() {
    stopped_in_order(SMALL_PREFETCH, ["cancel", "hand back", "ack"]).await;
}

/// A cancel behind the last ack proves it to be in the queue, whatever its kind.
#[tokio::test]
async fn a_stop_takes_its_steps_in_their_order() {
    stopped_in_order("", ["ack", "cancel", "hand back"]).await;
}

async fn stopped_in_order(more: &str, first: [&str; 3]) {
    let script = Script::gated();
    let stage = consuming!(on_order, more, &script);
    stage.order_all(&["a", "b", "c"]).await;
    script.calls(1).await;
    let three = |event: &Event| matches!(event, Event::Delivered { tag: 3, .. });
    stage.seen(three).await;
    // What a handler published last is still without its verdict.
    stage.broker.on_publish().with_key("last").hold_confirm();
    let binding = Binding::queue("orders.dlq").to("orders").with("last");
    stage.app.admin().declare_binding(binding).await.unwrap();
    let last = stage.send("last", "last").enqueue().await.unwrap();
    stage.published("last", 1).await;
    stage.record().clear();
    let (record, broker) = (stage.record(), Arc::clone(&stage.broker));
    let mut state = stage.app.listeners().state("on_order").unwrap();
    let stopping = tokio::spawn(stage.finish());
    let begins = state.wait_for(|state| *state == ListenerState::Stopping);
    ends("the stop's beginning", begins).await.unwrap();
    if first[0] == "cancel" {
        let back = record.wait_for_count(crate::stage::LONG, 2, is_requeue);
        back.await.unwrap();
    }
    assert_eq!(record.count(is_ack), 0, "the handler still runs");
    script.gate.add_permits(1);
    let flushed = record.wait_for(crate::stage::LONG, is_method("basic.qos"));
    flushed.await.unwrap();
    broker.release_confirms();
    let ledger = ends("the stop", stopping).await.unwrap();
    assert!(ends("the last verdict", last).await.is_ok());
    let counts = ledger.delivered.deliveries;
    assert_eq!((counts.acknowledged, counts.requeued), (1, 2), "{counts}");
    assert_eq!(counts.unproven_acks, 0, "{counts}");
    let at = |step: &str| match step {
        "cancel" => place(&record, step, is_method("basic.cancel")),
        "hand back" => place(&record, step, is_requeue),
        "ack" => place(&record, step, is_ack),
        "round trip" => place(&record, step, is_method("basic.qos")),
        "verdict" => place(&record, step, |event| {
            matches!(event, Event::Confirmed { .. })
        }),
        _ => place(&record, step, is_method("connection.close")),
    };
    let steps = first.iter().chain(&["round trip", "verdict", "close"]);
    let places: Vec<_> = steps.map(|step| (step, at(step))).collect();
    assert!(places.is_sorted_by_key(|(_, place)| *place), "{places:?}");
    assert_eq!(script.seen().len(), 1);
    assert_eq!(broker.ready_count("orders"), Some(2));
}

#[tokio::test]
async fn what_a_stop_cuts_off_is_reported_by_id_and_left_to_the_broker() {
    let script = Script::gated();
    let stage = consuming!(on_order, "  shutdown-timeout: 200ms\n", &script);
    stage.order_all(&["a", "b"]).await;
    script.calls(1).await;
    let broker = Arc::clone(&stage.broker);
    let (ledger, report) = stage.finish_unsettled().await;
    let ids: Vec<_> = report
        .deliveries()
        .iter()
        .map(|one| one.message_id.as_deref())
        .collect();
    assert_eq!(ids, [Some("a")]);
    let counts = ledger.delivered.deliveries;
    assert_eq!((counts.left_to_broker, counts.requeued), (1, 1), "{counts}");
    assert_eq!(broker.ready_count("orders"), Some(2));
}

/// `executor.await-termination: false`: running handlers are cut off at once, and reported.
#[tokio::test]
async fn without_await_termination_a_stop_cuts_off_at_once() {
    let script = Script::gated();
    let more = "  listener: { simple: { executor: { await-termination: false } } }\n";
    let stage = consuming!(on_order, more, &script);
    stage.send_order("a").await;
    script.calls(1).await;
    let (ledger, report) = stage.finish_unsettled().await;
    assert_eq!(report.deliveries().len(), 1);
    assert_eq!(ledger.delivered.deliveries.left_to_broker, 1);
}

/// A caller gives a stop up. The program's own stop, later, still waits for the handler.
#[tokio::test]
async fn a_stop_that_its_caller_gave_up_is_waited_for_by_the_next() {
    let script = Script::gated();
    let stage = consuming!(on_order, SMALL_PREFETCH, &script);
    stage.send_order("a").await;
    script.calls(1).await;
    let listeners = stage.app.listeners();
    let mut given_up = Box::pin(listeners.stop("on_order", Duration::from_secs(20)));
    assert!(futures_util::poll!(&mut given_up).is_pending());
    drop(given_up);
    stage.seen(is_method("basic.cancel")).await;
    let mut state = listeners.state("on_order").unwrap();
    assert_eq!(*state.borrow_and_update(), ListenerState::Stopping);
    let record = stage.record();
    let stopping = tokio::spawn(stage.finish());
    // It waits, and closes nothing under the handler.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(record.count(is_method("connection.close")), 0);
    script.gate.add_permits(1);
    let counts = ends("the stop", stopping)
        .await
        .unwrap()
        .delivered
        .deliveries;
    assert_eq!(counts.acknowledged, 1, "{counts}");
    assert_eq!(*state.borrow_and_update(), ListenerState::Stopped);
}

#[tokio::test]
async fn a_listener_whose_stop_was_given_up_can_be_started_again() {
    let script = Script::gated();
    let stage = consuming!(on_order, "", &script);
    stage.send_order("a").await;
    script.calls(1).await;
    let listeners = stage.app.listeners();
    let mut given_up = Box::pin(listeners.stop("on_order", Duration::from_secs(20)));
    assert!(futures_util::poll!(&mut given_up).is_pending());
    drop(given_up);
    script.gate.add_permits(2);
    let mut state = listeners.state("on_order").unwrap();
    let stopped = |state: &ListenerState| *state == ListenerState::Stopped;
    drop(ends("to stop", state.wait_for(stopped)).await.unwrap());
    listeners.start("on_order").unwrap();
    stage.send_order("b").await;
    assert_eq!(stage.settled(2).await.deliveries.acknowledged, 2);
    stage.finish().await;
}

/// Many publishes and deliveries are under way when it stops: each is settled, or reported by its id.
#[tokio::test]
async fn a_stop_under_load_settles_or_reports_every_message_by_id() {
    let script = Script::new(|seen| async move {
        if seen.id.ends_with('7') {
            std::future::pending::<()>().await;
        }
        Ok(Acknowledgement::Ack)
    });
    let more =
        "  listeners: { on_order: { concurrency: 4, prefetch: 20 } }\n  shutdown-timeout: 1s\n";
    let stage = consuming!(on_order, more, &script);
    stage
        .broker
        .on_publish()
        .nth(150)
        .times(3)
        .withhold_confirm();
    let mut pending = Vec::new();
    for n in 0..300 {
        let order = stage.template().convert_and_send("orders", "in", "x");
        pending.push(order.message_id(n.to_string()).enqueue().await.unwrap());
    }
    script.calls(20).await;
    let broker = Arc::clone(&stage.broker);
    let ends_of_publishes = tokio::spawn(futures_util::future::join_all(pending));
    let (ledger, report) = stage.finish_unsettled().await;
    let ended = ends("every publish", ends_of_publishes).await.unwrap();
    let unknown = ended.iter().filter_map(|end| end.as_ref().err());
    let mut unknown: Vec<_> = unknown.map(|error| error.message_id().to_owned()).collect();
    let mut reported: Vec<_> = report
        .publishes()
        .iter()
        .map(|publish| {
            assert_eq!(publish.kind, PublishErrorKind::Unknown, "{publish}");
            publish.message_id.to_string()
        })
        .collect();
    unknown.sort();
    reported.sort();
    assert_eq!(reported, unknown);
    assert_eq!(reported.len(), 3);
    let counts = ledger.delivered.deliveries;
    assert_eq!(
        report.deliveries().len() as u64,
        counts.left_to_broker,
        "{counts}"
    );
    assert_eq!(
        counts.delivered,
        counts.acknowledged + counts.requeued + counts.left_to_broker
    );
    // What is not acknowledged is in the queue.
    let there = async {
        while broker.ready_count("orders") != Some(300 - counts.acknowledged as usize) {
            tokio::task::yield_now().await;
        }
    };
    ends("the rest in the queue", there).await;
}

/// Nothing is answered any more, the cancel included: the stop ends in time all the same, and names what was in hand.
#[tokio::test]
async fn a_broker_that_falls_silent_does_not_hold_a_stop_up() {
    let script = Script::gated();
    let stage = consuming!(on_order, "  shutdown-timeout: 300ms\n", &script);
    stage.order_all(&["a", "b"]).await;
    script.calls(1).await;
    stage
        .seen(|event| matches!(event, Event::Delivered { tag: 2, .. }))
        .await;
    stage.broker.on_method("basic.cancel").stay_silent();
    let (ledger, report) = stage.finish_unsettled().await;
    let ids: Vec<_> = report
        .deliveries()
        .iter()
        .map(|one| one.message_id.as_deref())
        .collect();
    assert_eq!(ids, [Some("a"), Some("b")]);
    let counts = ledger.delivered.deliveries;
    assert_eq!(counts.left_to_broker, 2, "{counts}");
}

/// Three consumers become one. Those on their way out, however long it takes them, are not counted as there: the last
/// one stays.
#[tokio::test]
async fn an_idle_listener_keeps_its_last_consumer() {
    let script = Script::done();
    let elastic = "  listeners:
    on_order:
      { concurrency: 1-3, prefetch: 1, consecutive-active-trigger: 1, consecutive-idle-trigger: 1,
        start-consumer-min-interval: 1ms, stop-consumer-min-interval: 1ms, receive-timeout: 20ms }
";
    let stage = consuming!(on_order, elastic, &script);
    let is_cancel = is_method("basic.cancel");
    // A cancel takes effect, and its caller waits for the answer.
    stage
        .broker
        .on_method("basic.cancel")
        .every_time()
        .withhold_answer();
    let consumers = || stage.app.listeners().get("on_order").unwrap().consumers;
    let mut sent = 0;
    while consumers() < 3 && stage.record().count(&is_cancel) == 0 {
        stage.send_order(&sent.to_string()).await;
        sent += 1;
    }
    let wanted = consumers() - 1;
    let record = stage.record();
    let cancelled = record.wait_for_count(crate::stage::LONG, wanted, &is_cancel);
    cancelled.await.unwrap();
    // More idle cycles than it takes for one more to go.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(
        stage.record().count(&is_cancel),
        wanted,
        "the last one stays"
    );
    stage.send_order("last").await;
    stage.settled(sent + 1).await;
    stage.broker.clear_faults();
    stage.finish().await;
}
