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

pub async fn one_pool_bounds_all_listeners(address: &str) {
    let rig = Rig::new(address).await;
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let notes = Notes::new();
    let messages = count(2_000, 300);
    let mut endpoints = Vec::new();
    for id in ["one", "two"] {
        let queue = rig.queue("classic").await;
        rig.fill(&queue, messages).await;
        let (now, most, noting) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&notes));
        let handler = handler(move |_| {
            let (now, most, noting) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&noting));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                noting.note(());
                done()
            }
        });
        let mut settings = listener(id, &queue);
        settings.scaling = ScalingSettings::between(4, 4);
        endpoints.push(endpoint(settings, handler));
    }
    let registry = rig.start_all(endpoints, pool(2)).await;
    notes.take(2 * messages).await;
    assert!(most.load(Ordering::SeqCst) <= 2, "two at once, never more");
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

/// Eight consumers with a long backlog and three with a few messages each share two places, and each handling waits for
/// the test. Whoever has been handled stands at the end of the line: so a quiet listener waits for one turn of each busy
/// consumer between two of its own, and no more.
///
/// On one thread, so that whoever is to stand in line does so before the next handling ends.
async fn one_pool_serves_its_listeners_in_turn(address: &str) {
    const HOGS: usize = 8;
    const QUIET: [&str; 3] = ["quiet 1", "quiet 2", "quiet 3"];
    const FEW: usize = 5;
    let rig = Rig::new(address).await;
    let backlog = count(2_000, 300);
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let notes = Notes::new();
    let gate = Arc::new(Semaphore::new(0));
    let stepped = |id: &'static str| {
        let (now, most, noting) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&notes));
        let gate = Arc::clone(&gate);
        handler(move |seen| {
            let (now, most, noting) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&noting));
            let gate = Arc::clone(&gate);
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // Closed: everybody may run.
                if let Ok(step) = gate.acquire().await {
                    step.forget();
                }
                now.fetch_sub(1, Ordering::SeqCst);
                noting.note((id, seen.number()));
                done()
            }
        })
    };
    let mut endpoints = Vec::new();
    let hogs = rig.queue("classic").await;
    rig.fill(&hogs, backlog).await;
    let mut settings = listener("busy", &hogs);
    settings.scaling = ScalingSettings::between(HOGS, HOGS);
    // Each has its share of it.
    settings.prefetch = u16::try_from(backlog.div_ceil(HOGS)).unwrap();
    endpoints.push(endpoint(settings, stepped("busy")));
    let mut quiet = Vec::new();
    for id in QUIET {
        let queue = rig.queue("classic").await;
        endpoints.push(endpoint(listener(id, &queue), stepped(id)));
        quiet.push(queue);
    }
    let registry = rig.start_all(endpoints, pool(2)).await;
    let here = |messages: usize| {
        let (registry, now) = (&registry, &now);
        move || async move {
            registry.ledger().deliveries.delivered == messages as u64
                && now.load(Ordering::SeqCst) == 2
        }
    };
    until(
        "the busy one has both places and stands in line",
        here(backlog),
    )
    .await;
    for queue in &quiet {
        rig.fill(queue, FEW).await;
    }
    let messages = backlog + QUIET.len() * FEW;
    until("everybody stands in line", here(messages)).await;
    let mut handled: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    while QUIET
        .iter()
        .any(|id| handled.get(id).map_or(0, Vec::len) < FEW)
    {
        gate.add_permits(1);
        let (id, number) = notes.next().await;
        handled.entry(id).or_default().push(number);
    }
    let busy = handled["busy"].len();
    let in_turn = (FEW - 1) * HOGS..=(FEW + 1) * HOGS;
    assert!(
        in_turn.contains(&busy),
        "the quiet ones waited for {busy} handlings of the busy one, not {in_turn:?}"
    );
    for id in QUIET {
        assert_eq!(handled[id], (0..FEW).collect::<Vec<_>>(), "{id}, in order");
    }
    gate.close();
    notes.take(backlog - busy).await;
    assert_eq!(most.load(Ordering::SeqCst), 2, "two at once, never more");
    stop(&registry).await;
    let ledger = registry.ledger().deliveries;
    assert_eq!(ledger.acknowledged, messages as u64, "{ledger}");
}

mod rabbit3 {
    #[tokio::test]
    async fn one_pool_serves_its_listeners_in_turn() {
        let broker = rmq_tests::broker::announced(rmq_tests::broker::Release::V3).unwrap();
        super::one_pool_serves_its_listeners_in_turn(broker.address()).await;
    }
}

mod rabbit4 {
    #[tokio::test]
    async fn one_pool_serves_its_listeners_in_turn() {
        let broker = rmq_tests::broker::announced(rmq_tests::broker::Release::V4).unwrap();
        super::one_pool_serves_its_listeners_in_turn(broker.address()).await;
    }
}
