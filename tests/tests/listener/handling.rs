//! What goes well.

use std::sync::Arc;
use std::time::Duration;

use rmq_core::listener::ScalingSettings;
use rmq_tests::broker::unique;

use super::rig::{
    Notes, Rig, count, done, endpoint, failed, handler, listener, name, stop, until, until_state,
};

pub async fn every_message_is_handled_and_acknowledged(address: &str) {
    let rig = Rig::new(address).await;
    for kind in ["classic", "quorum"] {
        let queue = rig.queue(kind).await;
        let messages = count(5_000, 600);
        rig.fill(&queue, messages).await;
        let notes = Notes::new();
        let noting = Arc::clone(&notes);
        let handler = handler(move |seen| {
            noting.note(seen.number());
            async { done() }
        });
        let registry = rig.start(endpoint(listener("all", &queue), handler)).await;
        let seen = notes.take(messages).await;
        assert_eq!(seen, (0..messages).collect::<Vec<_>>(), "in order");
        stop(&registry).await;
        let ledger = registry.ledger().deliveries;
        assert_eq!(ledger.acknowledged, messages as u64, "{ledger}");
        assert_eq!(ledger.unproven_acks, 0, "{ledger}");
        assert_eq!(rig.ready(&queue).await, 0, "{kind}");
    }
}

pub async fn one_consumer_keeps_the_order_over_sleeping_retries(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("quorum").await;
    rig.fill(&queue, 12).await;
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = handler(move |seen| {
        noting.note((seen.number(), seen.attempt));
        let fails = seen.number() % 5 == 3 && seen.attempt < 3;
        async move { if fails { failed("not yet") } else { done() } }
    });
    let registry = rig
        .start(endpoint(listener("order", &queue), handler))
        .await;
    let mut expected = Vec::new();
    for n in 0..12 {
        let attempts = if n % 5 == 3 { 3 } else { 1 };
        expected.extend((1..=attempts).map(|attempt| (n, attempt)));
    }
    assert_eq!(notes.take(expected.len()).await, expected);
    stop(&registry).await;
    let ledger = registry.ledger().deliveries;
    assert_eq!((ledger.acknowledged, ledger.retries), (12, 4), "{ledger}");
}

pub async fn several_queues_share_a_listener_and_a_missing_one_joins_later(address: &str) {
    let rig = Rig::new(address).await;
    let first = rig.queue("classic").await;
    let later = unique("listener");
    rig.fill(&first, 3).await;
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = handler(move |seen| {
        noting.note(seen.queue);
        async { done() }
    });
    let mut settings = listener("two", &first);
    settings.queues.push(name(&later));
    let registry = rig.start(endpoint(settings, handler)).await;
    assert_eq!(notes.take(3).await, [first.as_str(); 3]);
    rig.declare(&later, "classic", &[]).await;
    rig.fill(&later, 2).await;
    assert_eq!(notes.take(2).await, [later.as_str(); 2]);
    // The one that was there all the time is still consumed.
    rig.fill(&first, 1).await;
    assert_eq!(notes.next().await, first);
    // Deleted, it leaves the other alone, and joins again.
    rig.delete(&later).await;
    rig.fill(&first, 1).await;
    assert_eq!(notes.next().await, first);
    rig.declare(&later, "classic", &[]).await;
    rig.fill(&later, 1).await;
    assert_eq!(notes.next().await, later);
    stop(&registry).await;
}

pub async fn a_busy_listener_gets_consumers_up_to_its_maximum(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("classic").await;
    rig.fill(&queue, 200).await;
    let mut settings = listener("elastic", &queue);
    settings.prefetch = 1;
    settings.scaling = ScalingSettings {
        start_consumer_min_interval: Duration::from_millis(1),
        stop_consumer_min_interval: Duration::from_millis(1),
        consecutive_idle_trigger: 2,
        cycle: Duration::from_millis(100),
        ..ScalingSettings::between(1, 3)
    };
    let handler = handler(|_| async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        done()
    });
    let registry = rig.start(endpoint(settings, handler)).await;
    let consumers = || registry.get("elastic").unwrap().consumers;
    until("three consumers", || async { consumers() == 3 }).await;
    // Idle, it goes back to its minimum.
    until("one consumer", || async { consumers() == 1 }).await;
    until("everything handled", || async {
        registry.ledger().deliveries.acknowledged == 200
    })
    .await;
    until_state(&registry, "elastic", |state| state.is_consuming()).await;
    // The one that stays may have been the one that was still starting.
    until("the broker sees one, too", || async {
        rig.channel.counts(&queue).await.unwrap().1 == 1
    })
    .await;
    stop(&registry).await;
}
