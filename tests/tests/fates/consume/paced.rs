//! No hot loop: what goes back to its queue waits for the back-off first, and longer each time.
//!
//! The clock stands still unless everybody waits for it. So without the back-off no time would pass between two tries.

use std::collections::HashSet;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use rmq_core::message::Delivery;
use rmq_core::prelude::*;
use rmq_core::registry::Registrations;
use rmq_core::topology::Overflow;
use rmq_core::{BoxError, FailedDelivery, MessageRecoverer, RabbitBuilder};
use rmq_embedded::{EmbeddedBroker, Event};
use tokio::time::{Instant, pause, resume};

use super::shop::{self, Script, is_requeue};
use crate::stage::{self, LONG, Stage, ends, shop_of};

/// The waits before the second to the fifth try, in seconds.
const BACK_OFF: [u64; 4] = [1, 2, 4, 8];

/// Far more than the tests of this file take: one that is still at it spins.
const SPINS: Duration = Duration::from_secs(120);

/// A handler that always fails, and when it was called.
struct Failing {
    script: Script,
    times: Arc<Mutex<Vec<Instant>>>,
}

impl Failing {
    fn new() -> Self {
        let times = Arc::new(Mutex::new(Vec::new()));
        let noting = Arc::clone(&times);
        let script = Script::new(move |_| {
            noting.lock().push(Instant::now());
            async { Err("not today".into()) }
        });
        Self { script, times }
    }

    async fn tries_wait(self, stage: Stage) {
        publishes(&stage).await;
        pause();
        stage.send_order("a").await;
        self.script.calls(BACK_OFF.len() + 1).await;
        resume();
        let times = self.times.lock().clone();
        let waits = times.windows(2).map(|pair| pair[1] - pair[0]);
        for (nth, (wait, wanted)) in waits.zip(BACK_OFF).enumerate() {
            let wanted = Duration::from_secs(wanted);
            assert!(wait >= wanted, "wait {nth} was {wait:?}, not {wanted:?}");
        }
        let counts = stage.finish().await.delivered.deliveries;
        assert!(counts.requeued >= BACK_OFF.len() as u64, "{counts}");
        assert_eq!((counts.parked, counts.dead_lettered), (0, 0), "{counts}");
    }
}

/// Waits until there is a channel to publish on: the handshake behind it is not for a clock that runs ahead.
async fn publishes(stage: &Stage) {
    let first = stage.send("nowhere", "first").into_future();
    let end = ends("a verdict", first).await.unwrap_err();
    assert_eq!(end.kind(), PublishErrorKind::Returned);
}

/// Waits until both consumers of a listener consume: each is given an order.
async fn both_consume(stage: &Stage, script: &Script) {
    let is_consume =
        |event: &Event| matches!(event, Event::Method { name } if *name == "basic.consume");
    let record = stage.record();
    record.wait_for_count(LONG, 2, is_consume).await.unwrap();
    script.gate.add_permits(2);
    for (id, settled) in [("first", 1), ("second", 2)] {
        stage.send_order(id).await;
        stage.settled(settled).await;
    }
    let events = record.events();
    let consumers = events.iter().filter_map(|one| match &one.event {
        Event::Delivered { consumer, .. } => Some(consumer.clone()),
        _ => None,
    });
    assert_eq!(consumers.collect::<HashSet<_>>().len(), 2);
}

fn builder(more: &str, script: &Script) -> (RabbitBuilder, stage::Told) {
    let listeners: Registrations = listeners![shop::on_order, stage::confirmed, stage::returned];
    let (builder, told) = shop_of(listeners, more);
    (builder.state(script.clone()), told)
}

async fn start(more: &str, script: &Script) -> Stage {
    let (builder, told) = builder(more, script);
    Stage::with(EmbeddedBroker::builder(), builder, told).await
}

const PARK: &str =
    "  listeners: { on_order: { on-failure: \"park:parking\", retry: { max-retries: 0 } } }\n";
const ONE_ATTEMPT: &str = "  listeners: { on_order: { retry: { max-retries: 0 } } }\n";

#[tokio::test]
async fn parking_in_a_queue_that_is_missing_is_tried_again_with_back_off() {
    let failing = Failing::new();
    let stage = start(PARK, &failing.script).await;
    failing.tries_wait(stage).await;
}

#[tokio::test]
async fn parking_in_a_queue_that_is_full_is_tried_again_with_back_off() {
    let failing = Failing::new();
    let stage = start(PARK, &failing.script).await;
    let full = Queue::classic("parking")
        .dead_letter(DeadLetter::None)
        .max_length(1)
        .overflow(Overflow::RejectPublish);
    stage.app.admin().declare_queue(full).await.unwrap();
    let first = stage.template().send("", "parking", Message::new("full"));
    ends("a verdict", first.into_future()).await.unwrap();
    let broker = Arc::clone(&stage.broker);
    failing.tries_wait(stage).await;
    assert_eq!(broker.ready_count("parking"), Some(1));
}

struct Broken {
    panics: bool,
}

impl MessageRecoverer for Broken {
    fn recover<'a>(
        &'a self,
        _: &'a Delivery,
        _: &'a FailedDelivery,
    ) -> BoxFuture<'a, Result<Acknowledgement, BoxError>> {
        assert!(!self.panics, "provoked");
        Box::pin(async { Err("the shelf is full".into()) })
    }
}

async fn recoverer_fails(panics: bool) {
    let failing = Failing::new();
    let (builder, told) = builder(ONE_ATTEMPT, &failing.script);
    let builder = builder.recoverer(Broken { panics });
    let stage = Stage::with(EmbeddedBroker::builder(), builder, told).await;
    failing.tries_wait(stage).await;
}

#[tokio::test]
async fn a_recoverer_that_fails_is_asked_again_with_back_off() {
    recoverer_fails(false).await;
}

#[tokio::test]
async fn a_recoverer_that_panics_is_asked_again_with_back_off() {
    recoverer_fails(true).await;
}

#[tokio::test]
async fn with_requeue_rejected_a_spent_delivery_goes_back_with_back_off() {
    let failing = Failing::new();
    let requeue = "  listeners: { on_order: { default-requeue-rejected: true, retry: { max-retries: 0 } } }\n";
    let stage = start(requeue, &failing.script).await;
    failing.tries_wait(stage).await;
}

/// A consumer that never waits would keep this runtime's only thread for ever: so it has one of its own.
fn on_a_thread<F: Future<Output = ()> + 'static>(test: fn() -> F) {
    let (done, ended) = mpsc::channel();
    let testing = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(test());
        done.send(()).unwrap();
    });
    match ended.recv_timeout(SPINS) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("a hot loop"),
        _ => testing.join().unwrap(),
    }
}

/// The one place of the pool is taken. The consumer that has none hands each of its orders back once, with a pause behind
/// each; when they come again it keeps them, and asks for a place with pauses.
async fn full_pool() {
    const HELD: usize = 4;
    let pause_of_settings = Duration::from_millis(50);
    let script = Script::gated();
    let more =
        "  listeners: { on_order: { concurrency: 2, prefetch: 4, retry: { initial-interval: 50ms } } }
  listener: { simple: { executor: { core-size: 1, max-size: 1, queue-capacity: 0, rejection-policy: abort } } }
";
    let stage = start(more, &script).await;
    both_consume(&stage, &script).await;
    pause();
    let ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
    stage.order_all(&ids).await;
    let mut before = None;
    for nth in 1..=HELD {
        let record = stage.record();
        record.wait_for_count(LONG, nth, is_requeue).await.unwrap();
        let now = Instant::now();
        if let Some(before) = before.replace(now) {
            let wait = now - before;
            assert!(wait >= pause_of_settings, "pause {nth} was {wait:?}");
        }
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    let requeues = stage.record().count(is_requeue);
    assert!(requeues < ids.len(), "each at most once: {requeues}");
    assert_eq!(script.seen().len(), 3, "one place, one handler");
    resume();
    script.gate.add_permits(ids.len());
    let all = ids.len() as u64;
    let acknowledged =
        |counts: &rmq_core::ListenerLedger| counts.deliveries.acknowledged == 2 + all;
    let deadline = rmq_core::time::Deadline::after(LONG);
    let listeners = stage.app.listeners();
    let handled = listeners.wait_for("on_order", deadline, acknowledged);
    let counts = ends("all", handled).await.unwrap().deliveries;
    assert!(counts.requeued <= all, "each at most once: {counts}");
    stage.finish().await;
}

#[test]
fn an_abort_pauses_its_consumer() {
    on_a_thread(full_pool);
}
