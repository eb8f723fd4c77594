//! Requeued: handed back by us, at a stop or because the handler says so, and counted.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use rmq_core::prelude::*;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::shop::{Script, consuming, is_requeue};
use crate::stage::{Stage, ends};

#[tokio::test]
async fn requeue_is_delayed_by_the_back_off_and_counted() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let noting = Arc::clone(&times);
    let script = Script::new(move |seen| {
        noting.lock().push(Instant::now());
        async move {
            Ok(if seen.redelivered {
                Acknowledgement::Ack
            } else {
                Acknowledgement::Requeue
            })
        }
    });
    let slow =
        "  listeners: { on_order: { retry: { initial-interval: 40ms, max-interval: 1s } } }\n";
    let stage = consuming!(on_order, slow, &script);
    stage.send_order("a").await;
    let counts = stage.settled(2).await.deliveries;
    assert_eq!((counts.requeued, counts.acknowledged), (1, 1), "{counts}");
    assert_eq!(stage.record().count(is_requeue), 1);
    let times = times.lock().clone();
    assert!(
        times[1] - times[0] >= Duration::from_millis(40),
        "a hot loop"
    );
    stage.finish().await;
}

/// `default-requeue-rejected`: what is spent goes back in place of being dead-lettered; what is fatal does not.
#[tokio::test]
async fn with_requeue_rejected_a_spent_delivery_goes_back_and_a_fatal_one_does_not() {
    let script = Script::new(|seen| async move {
        match (seen.id.as_str(), seen.redelivered) {
            ("fatal", _) => Err(Fatal::new("never").into()),
            (_, false) => Err("not yet".into()),
            _ => Ok(Acknowledgement::Ack),
        }
    });
    let requeue = "  listeners: { on_order: { default-requeue-rejected: true, retry: { initial-interval: 5ms } } }\n";
    let stage = consuming!(on_order, requeue, &script);
    stage.order_all(&["spent", "fatal"]).await;
    let counts = stage.settled(3).await.deliveries;
    assert_eq!(
        (counts.requeued, counts.acknowledged, counts.dead_lettered),
        (1, 1, 1),
        "{counts}"
    );
    stage.finish().await;
}

#[tokio::test]
async fn a_requeue_that_waits_when_the_program_stops_goes_back_at_once() {
    let script = Script::new(|_| async { Ok(Acknowledgement::Requeue) });
    let slow = "  listeners: { on_order: { retry: { initial-interval: 5m, max-interval: 5m } } }\n";
    let stage = consuming!(on_order, slow, &script);
    stage.send_order("a").await;
    script.calls(1).await;
    let broker = Arc::clone(&stage.broker);
    let counts = stage.finish().await.delivered.deliveries;
    assert_eq!(counts.requeued, 1, "{counts}");
    assert_eq!(broker.ready_count("orders"), Some(1));
}

/// `rejection-policy: abort`: no place in the pool, so the delivery goes back once and its consumer pauses.
#[tokio::test]
async fn an_abort_hands_back_once_and_every_order_is_handled() {
    let script = Script::gated();
    let more = "  listeners: { on_order: { concurrency: 2, prefetch: 1, retry: { initial-interval: 5ms } } }
  listener: { simple: { executor: { core-size: 1, max-size: 1, queue-capacity: 0, rejection-policy: abort } } }
";
    let stage = consuming!(on_order, more, &script);
    stage.order_all(&["a", "b", "c", "d"]).await;
    stage.seen(is_requeue).await;
    assert_eq!(script.seen().len(), 1, "one place, one handler");
    script.gate.add_permits(4);
    let acknowledged = |counts: &rmq_core::ListenerLedger| counts.deliveries.acknowledged == 4;
    let deadline = rmq_core::time::Deadline::after(crate::stage::LONG);
    let listeners = stage.app.listeners();
    let all = listeners.wait_for("on_order", deadline, acknowledged);
    let counts = ends("all", all).await.unwrap().deliveries;
    assert!(counts.requeued <= 4, "each at most once: {counts}");
    let mut ids: Vec<_> = script.seen().into_iter().map(|seen| seen.id).collect();
    ids.sort();
    assert_eq!(ids, ["a", "b", "c", "d"]);
    stage.finish().await;
}

/// `rejection-policy: caller-runs`: no place in the pool, so the consumer runs the handler itself and takes no further.
#[tokio::test]
async fn caller_runs_handles_outside_of_the_pool_one_per_consumer() {
    let script = Script::gated();
    let stage = consuming!(on_order, CALLER_RUNS, &script);
    three_at_a_time(stage, &script).await;
}

/// As above. A plain function runs on a thread: on the consumer's task it would stop this test's only one for ever.
#[tokio::test]
async fn caller_runs_a_plain_function_outside_of_the_pool_on_a_thread_one_per_consumer() {
    let gate = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&gate);
    let test = thread::current().id();
    let mut script = Script::new(move |_| {
        let place = Handle::current().block_on(waiting.acquire());
        let end = place.map(|place| place.forget());
        let elsewhere = thread::current().id() != test;
        async move {
            end?;
            assert!(elsewhere, "it ran where the consumers run");
            Ok(Acknowledgement::Ack)
        }
    });
    script.gate = gate;
    let stage = consuming!(plain, CALLER_RUNS, &script);
    three_at_a_time(stage, &script).await;
}

const CALLER_RUNS: &str = "  listeners: { on_order: { concurrency: 3, prefetch: 2 } }
  listener: { simple: { executor: { core-size: 1, max-size: 1, queue-capacity: 0, rejection-policy: caller-runs } } }
";

async fn three_at_a_time(stage: Stage, script: &Script) {
    stage.order_all(&["a", "b", "c", "d", "e", "f"]).await;
    script.calls(3).await;
    // Whoever could go on has gone on.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        script.seen().len(),
        3,
        "a consumer with a handler takes nothing"
    );
    script.gate.add_permits(6);
    let counts = stage.settled(6).await.deliveries;
    assert_eq!((counts.acknowledged, counts.requeued), (6, 0), "{counts}");
    stage.finish().await;
}
