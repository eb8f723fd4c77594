//! Acknowledge modes manual and none.

use std::sync::Arc;

use rmq_core::connection::{BrokerAddress, Connection, ConnectionSettings, Purpose};
use rmq_core::handler::AcknowledgeError;
use rmq_core::listener::AcknowledgeMode;
use rmq_core::transport::Credentials;
use rmq_tests::raw::Content;
use tokio::sync::Semaphore;

use super::relay::Relay;
use super::rig::{Notes, Rig, count, done, endpoint, failed, handler, listener, soon, stop, until};

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

/// The first is held by its handler. What comes behind it is bounded: at eight prefetches the consumer is cancelled, and only
/// what the broker has sent until it reads that still comes. Here it reads it before the next hundred bodies have passed,
/// so that these are what fits into sockets, and the 200 that the broker lets a channel keep unsent.
pub async fn without_acknowledgements_everything_is_handled_and_memory_is_bounded(address: &str) {
    const BODY: usize = 16 * 1024;
    const PREFETCH: usize = 10;
    let mut rig = Rig::new(address).await;
    let relay = Relay::to(address);
    rig.connection = through(&relay).await;
    let queue = rig.queue("classic").await;
    let messages = count(4_000, 2_000);
    for n in 0..messages {
        let body = format!("{n:>BODY$}");
        rig.send(&queue, Content::new(body)).await;
    }
    let gate = Arc::new(Semaphore::new(0));
    let notes = Notes::new();
    let (noting, waiting) = (Arc::clone(&notes), Arc::clone(&gate));
    let handler = handler(move |seen| {
        let number: usize = seen.body.trim().parse().unwrap();
        noting.note(number);
        let gate = Arc::clone(&waiting);
        async move {
            // Closed: everybody may run.
            drop(gate.acquire().await);
            if number == 7 {
                failed("broken")
            } else {
                done()
            }
        }
    });
    let mut settings = listener("none", &queue);
    settings.acknowledge = AcknowledgeMode::None;
    settings.prefetch = u16::try_from(PREFETCH).unwrap();
    settings.retry.attempts = 1;
    relay.hold_behind(10 * PREFETCH * BODY);
    let registry = rig.start(endpoint(settings, handler)).await;
    assert_eq!(notes.next().await, 0);
    until("the consumer is cancelled", || async {
        rig.channel.counts(&queue).await.unwrap().1 == 0
    })
    .await;
    // The broker keeps the rest; what it does not keep is here, or on its way.
    let ready = rig.ready(&queue).await;
    relay.release();
    until("what is on its way", || async {
        registry.ledger().deliveries.delivered == (messages - ready) as u64
    })
    .await;
    let held = messages - ready - 1;
    assert!(held >= 8 * PREFETCH, "{held}");
    assert!(
        held < messages / 2,
        "{held} of {messages} were held in memory"
    );
    gate.close();
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
}

/// A connection to consume on.
async fn through(relay: &Arc<Relay>) -> Connection {
    let address = BrokerAddress {
        target: relay.target(),
        credentials: Credentials::Plain {
            username: "guest".into(),
            password: "guest".into(),
        },
        virtual_host: "/".into(),
    };
    let settings = ConnectionSettings::new("rmq listener tests", vec![address]);
    let connection = Connection::new(Arc::new(settings), Purpose::Consuming);
    connection.start(soon()).await.unwrap();
    connection
}
