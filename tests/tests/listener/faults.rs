//! Brokers that die and brokers that lose their patience. Each test has a broker of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rmq_core::listener::ScalingSettings;
use rmq_tests::broker::{Node, NodeConfig, Release, unique};

use super::rig::{Notes, Rig, check_ledger, count, done, endpoint, handler, listener, until};

/// Kills the broker again and again under load: each message is handled, none is stranded, and each fault costs at
/// most prefetch x consumers duplicates.
async fn killed_under_load(release: Release) {
    const PREFETCH: u16 = 50;
    const CONSUMERS: usize = 2;
    let node = Node::start(release, NodeConfig::default()).unwrap();
    let rig = Rig::new(&node.address()).await;
    let queue = unique("listener");
    rig.declare(&queue, "quorum", &[("x-delivery-limit", 100)])
        .await;
    node.flush_quorum_queues().unwrap();
    let messages = count(20_000, 3_000);
    let kills = 3;
    rig.fill(&queue, messages).await;

    let handled: Arc<Mutex<HashMap<usize, usize>>> = Arc::default();
    let progress = Notes::new();
    let (noting, writing) = (Arc::clone(&progress), Arc::clone(&handled));
    let slowdown = Duration::from_micros(300);
    let handler = handler(move |seen| {
        let (noting, writing) = (Arc::clone(&noting), Arc::clone(&writing));
        async move {
            tokio::time::sleep(slowdown).await;
            *writing.lock().unwrap().entry(seen.number()).or_default() += 1;
            noting.note(());
            done()
        }
    });
    let mut settings = listener("killed", &queue);
    settings.prefetch = PREFETCH;
    settings.scaling = ScalingSettings::between(CONSUMERS, CONSUMERS);
    let registry = rig.start(endpoint(settings, handler)).await;
    for _ in 0..kills {
        progress.take(messages / (kills + 1)).await;
        node.kill();
        until("the listener sees it", || async {
            registry.get("killed").unwrap().state.is_waiting()
        })
        .await;
        node.restart().unwrap();
    }
    until("every message is handled", || async {
        handled.lock().unwrap().len() == messages
    })
    .await;
    until("everything is settled", || async {
        registry.ledger().deliveries.in_flight == 0
    })
    .await;
    let duplicates: usize = handled
        .lock()
        .unwrap()
        .values()
        .map(|times| times - 1)
        .sum();
    assert!(
        duplicates <= kills * usize::from(PREFETCH) * CONSUMERS,
        "{duplicates} duplicates"
    );
    let unsettled = registry.stop_all(super::rig::soon()).await;
    assert_eq!(unsettled, []);
    check_ledger(&registry);
    let judge = rmq_tests::raw::Connection::open(&node.address())
        .await
        .unwrap();
    let judge = judge.channel(1).await.unwrap();
    assert_eq!(
        judge.counts(&queue).await.unwrap(),
        (0, 0),
        "none is stranded"
    );
    assert_eq!(judge.counts(&format!("{queue}.dlq")).await.unwrap().0, 0);
}

/// The node gives a consumer 60 s for a delivery, and the first prefetch takes longer than the listener's patience, a
/// third of that, to handle. So what waits is handed back. In a full run it takes longer than the 60 s, too: without
/// care the channel would be closed, and messages that no handler ever saw would reach the delivery limit.
async fn impatient_broker(release: Release) {
    let messages = count(300, 15);
    let each = Duration::from_millis(count(500, 2_000) as u64);
    let timeout = Duration::from_secs(60);
    let node = Node::start(release, NodeConfig::default().consumer_timeout(timeout)).unwrap();
    let rig = Rig::new(&node.address()).await;
    let queue = unique("listener");
    rig.declare(&queue, "quorum", &[("x-delivery-limit", 2)])
        .await;
    rig.fill(&queue, messages).await;
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = handler(move |seen| {
        let noting = Arc::clone(&noting);
        async move {
            tokio::time::sleep(each).await;
            noting.note((seen.number(), seen.delivered_before.unwrap_or(0)));
            done()
        }
    });
    let mut settings = listener("patient", &queue);
    settings.consumer_timeout = timeout;
    let prefetched = messages.min(usize::from(settings.prefetch));
    let limit = count(60, 20);
    assert!(each * u32::try_from(prefetched).unwrap() > Duration::from_secs(limit as u64));
    let registry = rig.start(endpoint(settings, handler)).await;
    let mut handled = HashMap::new();
    // One at a time: all together take longer than any single wait of the rig.
    for _ in 0..messages {
        let (number, before) = notes.next().await;
        handled.insert(number, before);
    }
    assert_eq!(handled.len(), messages, "each once");
    let ledger = registry.ledger();
    assert_eq!(
        ledger.deliveries.left_to_broker, 0,
        "the channel was not lost: {}",
        ledger.deliveries
    );
    assert!(ledger.handed_back_for_slowness > 0);
    // We hand back each at most once. What is on its way to a consumer that we cancel RabbitMQ itself returns.
    let twice = handled.values().filter(|before| **before > 1).count();
    assert!(twice <= 3, "returned more than once: {handled:?}");
    assert_eq!(rig.ready(&format!("{queue}.dlq")).await, 0);
    super::rig::stop(&registry).await;
}

mod rabbit3 {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_broker_killed_under_load_strands_nothing() {
        killed_under_load(Release::V3).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_consumer_timeout_of_60_s_and_slow_handlers_lose_nothing() {
        impatient_broker(Release::V3).await;
    }
}

mod rabbit4 {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_broker_killed_under_load_strands_nothing() {
        killed_under_load(Release::V4).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_consumer_timeout_of_60_s_and_slow_handlers_lose_nothing() {
        impatient_broker(Release::V4).await;
    }
}
