//! Retried in the process: bounded, with back-off, the pool's place given back, the listener's order kept.

use std::sync::Arc;

use parking_lot::Mutex;
use rmq_core::prelude::*;
use rmq_embedded::Event;
use tokio::time::Instant;

use super::shop::{Script, Seen, consuming, is_dead_letter};
use crate::stage::ends;

fn fails(times: u32, id: &'static str) -> Script {
    Script::new(move |seen| async move {
        if seen.id == id && seen.attempt <= times {
            return Err("not yet".into());
        }
        Ok(Acknowledgement::Ack)
    })
}

fn attempts(seen: &[Seen]) -> Vec<(&str, u32)> {
    seen.iter()
        .map(|seen| (seen.id.as_str(), seen.attempt))
        .collect()
}

#[tokio::test]
async fn a_failure_is_tried_again_in_the_process_and_the_broker_sees_one_delivery() {
    let script = fails(2, "a");
    let stage = consuming!(on_order, "", &script);
    stage.send_order("a").await;
    let counts = stage.settled(1).await.deliveries;
    assert_eq!((counts.acknowledged, counts.retries), (1, 2), "{counts}");
    assert_eq!(attempts(&script.seen()), [("a", 1), ("a", 2), ("a", 3)]);
    let delivered = |event: &Event| matches!(event, Event::Delivered { .. });
    assert_eq!(stage.record().count(delivered), 1);
    stage.finish().await;
}

#[tokio::test]
async fn attempts_are_bounded_and_then_the_broker_moves_the_original() {
    let script = fails(u32::MAX, "a");
    let stage = consuming!(on_order, "", &script);
    stage.send_order("a").await;
    let counts = stage.settled(1).await.deliveries;
    assert_eq!((counts.dead_lettered, counts.retries), (1, 2), "{counts}");
    assert_eq!(script.seen().len(), 3);
    stage.seen(|event| is_dead_letter(event, "a")).await;
    assert_eq!(stage.broker.ready_count("orders.dlq"), Some(1));
    stage.finish().await;
}

#[tokio::test]
async fn between_two_attempts_is_the_back_off() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let noting = Arc::clone(&times);
    let script = Script::new(move |_| {
        noting.lock().push(Instant::now());
        async { Err("never".into()) }
    });
    let slow = "  listeners: { on_order: { retry: { initial-interval: 40ms, multiplier: 2, max-interval: 1s } } }\n";
    let stage = consuming!(on_order, slow, &script);
    stage.send_order("a").await;
    stage.settled(1).await;
    let times = times.lock().clone();
    assert!(times[1] - times[0] >= std::time::Duration::from_millis(40));
    assert!(times[2] - times[1] >= std::time::Duration::from_millis(80));
    stage.finish().await;
}

/// At concurrency 1 nothing overtakes a sleeping retry.
#[tokio::test]
async fn a_sleeping_retry_keeps_its_listeners_slot() {
    for plain_function in [false, true] {
        let script = fails(2, "b");
        let stage = if plain_function {
            consuming!(plain, "", &script)
        } else {
            consuming!(on_order, "", &script)
        };
        stage.order_all(&["a", "b", "c"]).await;
        stage.settled(3).await;
        let wanted = [("a", 1), ("b", 1), ("b", 2), ("b", 3), ("c", 1)];
        assert_eq!(attempts(&script.seen()), wanted);
        stage.finish().await;
    }
}

#[rabbit_listener(queue = "others", config = crate::stage::Shop)]
async fn on_other() {}

/// The pool has one place. While one listener's retry sleeps for minutes, the other uses it.
#[tokio::test]
async fn a_sleeping_retry_gives_its_pool_permit_back() {
    let script = fails(u32::MAX, "a");
    let more = "  listener:
    simple:
      retry: { initial-interval: 5m, max-interval: 5m }
      executor: { core-size: 1, max-size: 1 }
";
    let listeners = listeners![
        super::shop::on_order,
        on_other,
        crate::stage::confirmed,
        crate::stage::returned
    ];
    let (builder, told) = crate::stage::shop_of(listeners, more);
    let builder = builder
        .state(script.clone())
        .declare(Queue::named("others"));
    let broker = rmq_embedded::EmbeddedBroker::builder();
    let stage = crate::stage::Stage::with(broker, builder, told).await;
    stage.send_order("a").await;
    script.calls(1).await;
    let other = stage.template().convert_and_send("", "others", "x");
    ends("an order", other.into_future()).await.unwrap();
    let deadline = rmq_core::time::Deadline::after(crate::stage::LONG);
    let listeners = stage.app.listeners();
    let handled = listeners.wait_for("on_other", deadline, |counts| {
        counts.deliveries.acknowledged == 1
    });
    handled.await.unwrap();
    // A stop does not wait for the retry: its delivery goes back.
    let ledger = stage.finish().await.delivered.deliveries;
    assert_eq!((ledger.acknowledged, ledger.requeued), (1, 1), "{ledger}");
}

#[tokio::test]
async fn retry_after_is_the_wait_that_the_handler_asked_for() {
    let script = Script::new(|seen| async move {
        if seen.attempt == 1 {
            return Err(RetryAfter::new(std::time::Duration::from_millis(1), "busy").into());
        }
        Ok(Acknowledgement::Ack)
    });
    let slow = "  listeners: { on_order: { retry: { initial-interval: 5m, max-interval: 5m } } }\n";
    let stage = consuming!(on_order, slow, &script);
    stage.send_order("a").await;
    let counts = stage.settled(1).await.deliveries;
    assert_eq!((counts.acknowledged, counts.retries), (1, 1), "{counts}");
    stage.finish().await;
}
