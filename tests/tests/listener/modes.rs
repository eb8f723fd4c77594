//! Acknowledge modes manual and none.

use std::sync::Arc;
use std::time::Duration;

use rmq_core::handler::AcknowledgeError;
use rmq_core::listener::AcknowledgeMode;
use tokio::sync::Semaphore;

use super::rig::{Notes, Rig, count, done, endpoint, failed, handler, listener, stop, until};

pub async fn manual_settlements_are_the_handlers(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("classic").await;
    rig.fill(&queue, 5).await;
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = handler(move |seen| {
        let by_hand = seen.acknowledger.clone().unwrap();
        match (seen.number(), seen.redelivered) {
            (0, _) => by_hand.ack().unwrap(),
            (1, _) => by_hand.reject().unwrap(),
            (2, false) => by_hand.requeue().unwrap(),
            (2, true) => by_hand.ack().unwrap(),
            (3, _) => {} // Never settled: a failure.
            _ => {
                by_hand.ack().unwrap();
                let twice = by_hand.reject().unwrap_err();
                assert!(matches!(twice, AcknowledgeError::AlreadySettled(_)));
            }
        }
        noting.note((seen.number(), seen.attempt, by_hand));
        let fails = seen.number() == 4;
        // An error after the settlement changes nothing.
        async move { if fails { failed("too late") } else { done() } }
    });
    let mut settings = listener("manual", &queue);
    settings.acknowledge = AcknowledgeMode::Manual;
    let registry = rig.start(endpoint(settings, handler)).await;
    let seen = notes.take(6).await;
    rig.until_ready(&format!("{queue}.dlq"), 2).await;
    until("everything settled", || async {
        registry.ledger().deliveries.in_flight == 0
    })
    .await;
    let third = seen.iter().find(|(number, ..)| *number == 3).unwrap();
    assert_eq!(third.2.ack(), Err(AcknowledgeError::TooLate));
    assert!(
        seen.iter().all(|(_, attempt, _)| *attempt == 1),
        "no retry of what was settled"
    );
    stop(&registry).await;
    let ledger = registry.ledger().deliveries;
    assert_eq!(
        (ledger.acknowledged, ledger.dead_lettered, ledger.requeued),
        (3, 2, 1),
        "{ledger}"
    );
}

pub async fn without_acknowledgements_everything_is_handled_and_memory_is_bounded(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("classic").await;
    let messages = count(20_000, 3_000);
    rig.fill(&queue, messages).await;
    let gate = Arc::new(Semaphore::new(0));
    let notes = Notes::new();
    let (noting, waiting) = (Arc::clone(&notes), Arc::clone(&gate));
    let handler = handler(move |seen| {
        noting.note(seen.number());
        let gate = Arc::clone(&waiting);
        async move {
            let _open = gate.acquire().await.unwrap();
            if seen.number() == 7 {
                failed("broken")
            } else {
                done()
            }
        }
    });
    let mut settings = listener("none", &queue);
    settings.acknowledge = AcknowledgeMode::None;
    settings.prefetch = 10;
    settings.retry.attempts = 1;
    let registry = rig.start(endpoint(settings, handler)).await;
    // The first is held; what comes behind it is bounded: the broker's consumer is cancelled.
    assert_eq!(notes.next().await, 0);
    until("the consumer is cancelled", || async {
        rig.channel.counts(&queue).await.unwrap().1 == 0
    })
    .await;
    gate.add_permits(1);
    assert_eq!(
        notes.take(messages - 1).await,
        (1..messages).collect::<Vec<_>>()
    );
    stop(&registry).await;
    let ledger = registry.ledger();
    assert_eq!(
        ledger.deliveries.acknowledged, messages as u64,
        "{}",
        ledger.deliveries
    );
    assert_eq!(ledger.lost_without_acknowledgement, 1);
    assert_eq!(rig.ready(&queue).await, 0);
    tokio::time::timeout(Duration::from_secs(1), gate.acquire())
        .await
        .unwrap()
        .unwrap()
        .forget();
}
