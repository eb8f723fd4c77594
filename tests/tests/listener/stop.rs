//! A stop in the middle of everything: several consumers with full prefetch, slow handlers, two that never end, and a
//! publisher that does not know that it is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rmq_core::prelude::*;
use rmq_tests::broker::unique;
use rmq_tests::raw;
use tokio::sync::Notify;

use super::rig::{Rig, count, soon};

#[rabbit_config]
struct Program;

/// What the handlers saw.
#[derive(Default)]
struct Load {
    started: AtomicUsize,
    finished: Mutex<BTreeSet<String>>,
    stuck: Mutex<BTreeSet<String>>,
    progress: Notify,
}

impl Load {
    /// The 20th and the 40th delivery are never finished.
    const STUCK: [usize; 2] = [20, 40];

    async fn until_finished(&self, many: usize) {
        loop {
            let progress = self.progress.notified();
            if self.finished.lock().unwrap().len() >= many {
                return;
            }
            progress.await;
        }
    }
}

/// The file names its queue and its prefetch.
#[rabbit_listener(queue = "stops", concurrency = "4")]
async fn on_load(id: String, load: State<Arc<Load>>) {
    let nth = load.started.fetch_add(1, Ordering::SeqCst) + 1;
    if Load::STUCK.contains(&nth) {
        load.stuck.lock().unwrap().insert(id.clone());
        std::future::pending().await
    }
    // The work of a slow handler.
    tokio::time::sleep(Duration::from_millis(5)).await;
    load.finished.lock().unwrap().insert(id);
    load.progress.notify_one();
}

/// Publishes until it is refused; gives the ids confirmed and the one that was not.
async fn publish(template: RabbitTemplate, queue: String) -> (BTreeSet<String>, String) {
    let mut confirmed = BTreeSet::new();
    for n in 0.. {
        let id = format!("busy-{n}");
        let publish = template.convert_and_send("", &*queue, &id).message_id(&*id);
        match publish.await {
            Ok(_) => confirmed.insert(id),
            Err(_) => return (confirmed, id),
        };
    }
    unreachable!("it publishes for ever")
}

/// Counts how often each message is in the queue.
async fn drain(channel: &raw::Channel, queue: &str, there: &mut BTreeMap<String, usize>) {
    while let Some(message) = channel.take(queue).await.unwrap() {
        let id = message.text();
        *there.entry(id.trim_matches('"').to_owned()).or_default() += 1;
    }
}

pub async fn a_stop_under_load_acknowledges_or_gives_back_every_delivery(address: &str) {
    stopped_under_load(address, Queue::classic, 100).await;
}

/// The channel of a quorum queue holds acks back while many commands are on their way to the queue, hand-backs among them,
/// and drops what it holds when it closes. No answer on the channel tells, but the queue's answer to a cancel.
pub async fn a_stop_under_load_loses_no_ack_of_a_quorum_queue(address: &str) {
    stopped_under_load(address, Queue::quorum, 100).await;
}

/// Here the hand-backs come before the last ack.
pub async fn a_stop_with_a_small_prefetch_loses_no_ack_of_a_quorum_queue(address: &str) {
    stopped_under_load(address, Queue::quorum, 16).await;
}

async fn stopped_under_load(address: &str, kind: fn(String) -> Queue, prefetch: u16) {
    let queue = unique("stops");
    let dead_letters = format!("{queue}.dlq");
    let load: Arc<Load> = Arc::default();
    let app = Program::builder()
        .environment([("RABBIT_ADDRESSES", address)])
        .properties(
            "stop.yml",
            format!(
                "rabbitmq: {{ shutdown-timeout: 5s, listeners.on_load: {{ queue: {queue}, prefetch: {prefetch} }} }}\n"
            ),
        )
        .state(Arc::clone(&load))
        .only(listeners![on_load])
        .declare(kind(queue.clone()))
        .start()
        .await
        .unwrap();
    let template = app.template();
    let mut confirmed: BTreeSet<String> = (0..count(2_000, 500)).map(|n| format!("m{n}")).collect();
    let fill = confirmed
        .iter()
        .map(|id| template.convert_and_send("", &*queue, id).message_id(&**id));
    for end in template.send_all(fill).await {
        end.unwrap();
    }
    let publisher = tokio::spawn(publish(template, queue.clone()));
    load.until_finished(100).await;

    let error = app.stop().await.unwrap_err();
    let (busy, last) = publisher.await.unwrap();
    confirmed.extend(busy);

    // By id, and only these.
    let cut_off: BTreeSet<String> = error
        .deliveries()
        .iter()
        .map(|one| one.message_id.as_deref().unwrap().to_owned())
        .collect();
    assert_eq!(cut_off, *load.stuck.lock().unwrap(), "{error}");
    assert_eq!(error.deliveries().len(), Load::STUCK.len(), "{error}");
    assert!(error.deliveries().iter().all(|one| !one.lost), "{error}");
    for publish in error.publishes() {
        assert_eq!(publish.message_id, *last, "the only one without a verdict");
    }

    let ledger = app.ledger();
    assert!(ledger.adds_up(), "{ledger}");
    let delivered = ledger.delivered.deliveries;
    let finished = load.finished.lock().unwrap().clone();
    assert_eq!(delivered.in_flight, 0, "{ledger}");
    assert_eq!(delivered.acknowledged, finished.len() as u64, "{ledger}");
    assert_eq!(delivered.left_to_broker, 2, "{ledger}");
    assert!(
        delivered.requeued > 0,
        "it was stopped under load: {ledger}"
    );
    assert_eq!(delivered.unproven_acks, 0, "{ledger}");
    assert_eq!(
        ledger.published.confirmed,
        confirmed.len() as u64,
        "{ledger}"
    );

    // The broker's own count: what was confirmed and not finished is there, once, and nothing else.
    let rig = Rig::new(address).await;
    let expected: BTreeSet<&String> = confirmed.difference(&finished).collect();
    let (mut there, deadline) = (BTreeMap::new(), soon());
    // What was cut off comes back when the broker has seen the connection go.
    while !expected.iter().all(|id| there.contains_key(*id)) {
        assert!(
            !deadline.has_passed(),
            "{} of {}",
            there.len(),
            expected.len()
        );
        drain(&rig.channel, &queue, &mut there).await;
    }
    // A publish without a verdict is in the queue or is not.
    there.remove(&last);
    let twice: Vec<_> = there.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let more: Vec<_> = there.keys().filter(|id| !expected.contains(id)).collect();
    assert!(
        more.is_empty(),
        "acknowledged, and back: {more:?}, {ledger}"
    );
    assert_eq!(rig.ready(&dead_letters).await, 0);
    rig.delete(&queue).await;
    rig.delete(&dead_letters).await;
}
