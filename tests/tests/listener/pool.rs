//! The pool behind all listeners.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rmq_core::listener::{ExecutorSettings, RejectionPolicy, ScalingSettings};
use tokio::sync::Semaphore;

use super::rig::{Notes, Rig, count, done, endpoint, handler, listener, plain, stop, until};

fn pool(size: usize) -> ExecutorSettings {
    ExecutorSettings {
        core_size: size,
        max_size: size,
        ..ExecutorSettings::default()
    }
}

pub async fn plain_functions_run_on_the_pools_threads(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("classic").await;
    rig.fill(&queue, 6).await;
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = plain(move |seen| {
        let thread = std::thread::current().name().unwrap().to_owned();
        noting.note((seen.number(), thread));
        assert_ne!(seen.number(), 3, "provoked");
        done()
    });
    let registry = rig
        .start(endpoint(listener("plain", &queue), handler))
        .await;
    for n in 0..6 {
        let (number, thread) = notes.next().await;
        assert_eq!(number, n, "in order");
        assert!(thread.starts_with("rabbitExecutor-"), "{thread}");
    }
    rig.until_ready(&format!("{queue}.dlq"), 1).await;
    stop(&registry).await;
    let ledger = registry.ledger().deliveries;
    assert_eq!(
        (ledger.acknowledged, ledger.dead_lettered),
        (5, 1),
        "{ledger}"
    );
}

pub async fn one_pool_bounds_all_listeners_and_starves_none(address: &str) {
    let rig = Rig::new(address).await;
    let (busy, quiet) = (rig.queue("classic").await, rig.queue("classic").await);
    let messages = count(2_000, 300);
    rig.fill(&busy, messages).await;
    rig.fill(&quiet, 5).await;
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let notes = Notes::new();
    // Both have messages before either begins.
    let begin = Arc::new(Semaphore::new(0));
    let counting = |id: &'static str| {
        let (now, most, noting) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&notes));
        let begin = Arc::clone(&begin);
        handler(move |_| {
            let (now, most, noting) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&noting));
            let begin = Arc::clone(&begin);
            async move {
                // Closed: it has begun.
                drop(begin.acquire().await);
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                noting.note(id);
                done()
            }
        })
    };
    let mut hogs = listener("busy", &busy);
    hogs.scaling = ScalingSettings::between(8, 8);
    let registry = rig
        .start_all(
            vec![
                endpoint(hogs, counting("busy")),
                endpoint(listener("quiet", &quiet), counting("quiet")),
            ],
            pool(2),
        )
        .await;
    rig.until_ready(&quiet, 0).await;
    begin.close();
    let order = notes.take(messages + 5).await;
    assert!(most.load(Ordering::SeqCst) <= 2, "two at once, never more");
    let last_quiet = order.iter().rposition(|id| *id == "quiet").unwrap();
    assert!(
        last_quiet < messages,
        "five messages waited for all {messages} of the other: {last_quiet}"
    );
    stop(&registry).await;
}

pub async fn abort_hands_back_once_and_loses_nothing(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("quorum").await;
    rig.fill(&queue, 6).await;
    let gate = Arc::new(Semaphore::new(0));
    let notes = Notes::new();
    let (noting, waiting) = (Arc::clone(&notes), Arc::clone(&gate));
    let handler = handler(move |seen| {
        let (gate, noting) = (Arc::clone(&waiting), Arc::clone(&noting));
        async move {
            gate.acquire().await.unwrap().forget();
            noting.note(seen.number());
            done()
        }
    });
    let mut settings = listener("aborts", &queue);
    settings.prefetch = 1;
    settings.scaling = ScalingSettings::between(2, 2);
    let registry = rig
        .start_all(
            vec![endpoint(settings, handler)],
            ExecutorSettings {
                queue_capacity: 0,
                rejection: RejectionPolicy::Abort,
                ..pool(1)
            },
        )
        .await;
    until("something went back", || async {
        registry.ledger().deliveries.requeued > 0
    })
    .await;
    gate.add_permits(6);
    let mut handled: BTreeMap<usize, usize> = BTreeMap::new();
    for n in notes.take(6).await {
        *handled.entry(n).or_default() += 1;
    }
    assert!(
        handled.len() == 6 && handled.values().all(|times| *times == 1),
        "{handled:?}"
    );
    stop(&registry).await;
    let ledger = registry.ledger().deliveries;
    assert!(ledger.requeued <= 6, "each at most once: {ledger}");
}
