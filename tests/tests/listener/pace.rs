//! Slow handlers and the broker's consumer timeout.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rmq_core::handler::Handler;
use rmq_core::listener::AcknowledgeMode;
use rmq_tests::broker::unique;
use rmq_tests::raw::queue;
use tokio::sync::Semaphore;

use super::rig::{Notes, Rig, done, endpoint, handler, listener, name, stop, until};

pub async fn a_slow_handler_gets_a_smaller_prefetch_and_nothing_unhandled_is_dead_lettered(
    address: &str,
) {
    let rig = Rig::new(address).await;
    let queue = unique("listener");
    // Two returns are allowed: a message that went back more often, unhandled, would be dead-lettered.
    rig.declare(&queue, "quorum", &[("x-delivery-limit", 2)])
        .await;
    rig.fill(&queue, 60).await;
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = handler(move |seen| {
        let noting = Arc::clone(&noting);
        async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            noting.note(seen.number());
            done()
        }
    });
    let mut settings = listener("slow", &queue);
    // 60 x 100 ms is far beyond a third of this.
    settings.consumer_timeout = Duration::from_secs(3);
    let registry = rig.start(endpoint(settings, handler)).await;
    let mut handled: BTreeMap<usize, usize> = BTreeMap::new();
    for n in notes.take(60).await {
        *handled.entry(n).or_default() += 1;
    }
    assert_eq!(handled.len(), 60, "each once: {handled:?}");
    stop(&registry).await;
    let ledger = registry.ledger();
    assert!(ledger.handed_back_for_slowness > 0);
    assert!(ledger.handed_back_for_slowness <= 60, "each at most once");
    assert_eq!(ledger.deliveries.acknowledged, 60, "{}", ledger.deliveries);
    assert_eq!(rig.ready(&format!("{queue}.dlq")).await, 0);
}

pub async fn a_stuck_handler_lets_nothing_wait_behind_it(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("quorum").await;
    rig.fill(&queue, 5).await;
    let gate = Arc::new(Semaphore::new(0));
    let notes = Notes::new();
    let (noting, waiting) = (Arc::clone(&notes), Arc::clone(&gate));
    let handler = handler(move |seen| {
        noting.note(seen.number());
        let gate = Arc::clone(&waiting);
        async move {
            gate.acquire().await.unwrap().forget();
            done()
        }
    });
    let mut settings = listener("stuck", &queue);
    settings.consumer_timeout = Duration::from_secs(3);
    let registry = rig.start(endpoint(settings, handler)).await;
    assert_eq!(notes.next().await, 0);
    // The four behind it go back while it runs, and do not come again.
    rig.until_ready(&queue, 4).await;
    assert_eq!(registry.ledger().handed_back_for_slowness, 4);
    gate.add_permits(5);
    assert_eq!(notes.take(4).await, [1, 2, 3, 4]);
    until("acknowledged", || async {
        registry.ledger().deliveries.acknowledged == 5
    })
    .await;
    stop(&registry).await;
}

async fn auto_delete_queue(rig: &Rig) -> String {
    let queue = unique("listener");
    let declare = queue::Declare {
        queue: queue.as_str().into(),
        auto_delete: true,
        ..Default::default()
    };
    rig.channel.call(declare).await.unwrap();
    queue
}

/// A handler that waits for a permit, and what it saw.
fn gated() -> (Handler, Arc<Notes<(String, usize)>>, Arc<Semaphore>) {
    let (notes, gate) = (Notes::new(), Arc::new(Semaphore::new(0)));
    let (noting, waiting) = (Arc::clone(&notes), Arc::clone(&gate));
    let handler = handler(move |seen| {
        noting.note((seen.queue.clone(), seen.number()));
        let gate = Arc::clone(&waiting);
        async move {
            gate.acquire().await.unwrap().forget();
            done()
        }
    });
    (handler, notes, gate)
}

/// The broker would delete it, and all that is in it, with its last consumer.
pub async fn an_auto_delete_queue_is_slowed_down_and_not_lost(address: &str) {
    let rig = Rig::new(address).await;
    let queue = auto_delete_queue(&rig).await;
    rig.fill(&queue, 60).await;
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = handler(move |seen| {
        let noting = Arc::clone(&noting);
        async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            noting.note(seen.number());
            done()
        }
    });
    let mut settings = listener("slow", &queue);
    settings.auto_delete = settings.queues.clone();
    settings.consumer_timeout = Duration::from_secs(3);
    let registry = rig.start(endpoint(settings, handler)).await;
    let mut handled = notes.take(60).await;
    handled.sort_unstable();
    assert_eq!(handled, (0..60).collect::<Vec<_>>());
    until("acknowledged", || async {
        registry.ledger().deliveries.acknowledged == 60
    })
    .await;
    assert!(registry.ledger().handed_back_for_slowness > 0);
    let consumers = rig.channel.counts(&queue).await.unwrap().1;
    assert_eq!(consumers, 1, "the one before is cancelled");
    stop(&registry).await;
}

pub async fn a_stuck_handler_does_not_delete_an_auto_delete_queue(address: &str) {
    let rig = Rig::new(address).await;
    let (going, staying) = (auto_delete_queue(&rig).await, rig.queue("classic").await);
    rig.fill(&going, 5).await;
    let (handler, notes, gate) = gated();
    let mut settings = listener("stuck", &going);
    settings.auto_delete = settings.queues.clone();
    settings.queues.push(name(&staying));
    settings.consumer_timeout = Duration::from_secs(3);
    let registry = rig.start(endpoint(settings, handler)).await;
    let first = notes.next().await;
    rig.fill(&staying, 3).await;
    // Those of the other queue go back while the handler runs.
    until("handed back", || async {
        registry.ledger().handed_back_for_slowness == 3
    })
    .await;
    assert_eq!(rig.channel.counts(&going).await.unwrap(), (0, 1));
    gate.add_permits(8);
    let mut handled = notes.take(7).await;
    handled.push(first);
    handled.sort_unstable();
    let mut all: Vec<_> = (0..5).map(|n| (going.clone(), n)).collect();
    all.extend((0..3).map(|n| (staying.clone(), n)));
    all.sort_unstable();
    assert_eq!(handled, all);
    until("acknowledged", || async {
        registry.ledger().deliveries.acknowledged == 8
    })
    .await;
    stop(&registry).await;
}

pub async fn without_acknowledgements_an_auto_delete_queue_is_not_held_back(address: &str) {
    let rig = Rig::new(address).await;
    let queue = auto_delete_queue(&rig).await;
    let (handler, notes, gate) = gated();
    let mut settings = listener("none", &queue);
    settings.auto_delete = settings.queues.clone();
    settings.acknowledge = AcknowledgeMode::None;
    settings.prefetch = 1;
    let registry = rig.start(endpoint(settings, handler)).await;
    rig.fill(&queue, 100).await;
    gate.add_permits(100);
    let handled: Vec<usize> = notes.take(100).await.into_iter().map(|(_, n)| n).collect();
    assert_eq!(handled, (0..100).collect::<Vec<_>>());
    stop(&registry).await;
}
