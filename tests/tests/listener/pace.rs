//! Slow handlers and the broker's consumer timeout.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rmq_tests::broker::unique;
use tokio::sync::Semaphore;

use super::rig::{Notes, Rig, done, endpoint, handler, listener, stop, until};

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
