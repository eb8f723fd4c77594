//! Starting, waiting, pausing, stopping.

use std::sync::Arc;
use std::time::Duration;

use rmq_core::listener::{ListenerError, ListenerState};
use rmq_core::time::Deadline;
use rmq_tests::broker::unique;
use tokio::sync::Semaphore;

use super::rig::{
    Notes, Rig, check_ledger, done, endpoint, handler, listener, name, soon, stop, until,
    until_state,
};

fn waits_for_queue(state: &ListenerState) -> bool {
    matches!(state, ListenerState::WaitingForQueue { .. })
}

pub async fn a_missing_queue_is_waited_for_and_a_deleted_one_too(address: &str) {
    let rig = Rig::new(address).await;
    let queue = unique("listener");
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = handler(move |seen| {
        noting.note(seen.number());
        async { done() }
    });
    let registry = rig.registry(vec![endpoint(listener("waits", &queue), handler)]);
    registry.start("waits").unwrap();
    let state = until_state(&registry, "waits", waits_for_queue).await;
    assert!(
        state.to_string().contains("404"),
        "the broker's words: {state}"
    );

    for _ in 0..2 {
        rig.declare(&queue, "quorum", &[]).await;
        until_state(&registry, "waits", ListenerState::is_consuming).await;
        rig.fill(&queue, 2).await;
        assert_eq!(notes.take(2).await, [0, 1]);
        until("acknowledged", || async {
            registry.ledger().deliveries.in_flight == 0
        })
        .await;
        rig.delete(&queue).await;
        until_state(&registry, "waits", waits_for_queue).await;
    }
    stop(&registry).await;
    assert_eq!(
        *registry.state("waits").unwrap().borrow(),
        ListenerState::Stopped
    );
    assert!(matches!(
        registry.start("weights"),
        Err(ListenerError::Unknown { .. })
    ));
}

pub async fn a_queue_that_was_deleted_comes_back_while_another_is_busy(address: &str) {
    let rig = Rig::new(address).await;
    let (busy, deleted) = (rig.queue("classic").await, rig.queue("classic").await);
    rig.fill(&busy, 200).await;
    let gate = Arc::new(Semaphore::new(0));
    let notes = Notes::new();
    let (noting, waiting) = (Arc::clone(&notes), Arc::clone(&gate));
    let handler = handler(move |seen| {
        noting.note(seen.queue);
        let gate = Arc::clone(&waiting);
        async move {
            gate.acquire().await.unwrap().forget();
            done()
        }
    });
    let mut settings = listener("both", &busy);
    settings.queues.push(name(&deleted));
    settings.recovery_interval = Duration::from_millis(20);
    let registry = rig.start(endpoint(settings, handler)).await;
    assert_eq!(notes.next().await, busy);
    until("prefetched", || async { rig.ready(&busy).await == 0 }).await;
    rig.delete(&deleted).await;
    rig.declare(&deleted, "classic", &[]).await;
    until("consumed again", || async {
        gate.add_permits(1);
        rig.channel.counts(&deleted).await.unwrap().1 == 1
    })
    .await;
    let acknowledged = registry.ledger().deliveries.acknowledged;
    assert!(acknowledged < 200, "only after everything else");
    gate.add_permits(200);
    until("acknowledged", || async {
        registry.ledger().deliveries.acknowledged == 200
    })
    .await;
    stop(&registry).await;
}

pub async fn a_stop_finishes_what_runs_and_hands_back_what_was_not_started(address: &str) {
    stopped_with_a_prefetch_of(16, address).await;
}

pub async fn a_stop_with_a_large_prefetch_hands_back_when_the_handler_is_done(address: &str) {
    stopped_with_a_prefetch_of(17, address).await;
}

async fn stopped_with_a_prefetch_of(prefetch: u16, address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("quorum").await;
    rig.fill(&queue, 10).await;
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
    let mut settings = listener("stops", &queue);
    settings.prefetch = prefetch;
    let registry = rig.start(endpoint(settings, handler)).await;
    assert_eq!(notes.next().await, 0);
    until("all are prefetched", || async {
        registry.ledger().deliveries.delivered == 10
    })
    .await;
    let stopping = tokio::spawn({
        let registry = registry.clone();
        async move { registry.stop("stops", Duration::from_secs(30)).await }
    });
    until_state(&registry, "stops", |state| {
        *state == ListenerState::Stopping
    })
    .await;
    if prefetch <= 16 {
        // What was not started is back before the running handler is done.
        rig.until_ready(&queue, 9).await;
    } else {
        // Its consumer is there until the last ack is written.
        assert_eq!(rig.channel.counts(&queue).await.unwrap(), (0, 1));
    }
    assert!(matches!(
        registry.start("stops"),
        Err(ListenerError::Stopping(_))
    ));
    gate.add_permits(1);
    assert_eq!(stopping.await.unwrap().unwrap(), []);
    check_ledger(&registry);
    let ledger = registry.ledger().deliveries;
    assert_eq!((ledger.acknowledged, ledger.requeued), (1, 9), "{ledger}");
    rig.until_ready(&queue, 9).await;

    // Started again, it goes on in order.
    gate.add_permits(9);
    registry.start("stops").unwrap();
    assert_eq!(notes.take(9).await, (1..10).collect::<Vec<_>>());
    stop(&registry).await;
}

pub async fn a_stop_reports_what_it_cut_off_by_id(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("quorum").await;
    rig.fill(&queue, 3).await;
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = handler(move |seen| {
        noting.note(seen.number());
        std::future::pending()
    });
    let registry = rig
        .start(endpoint(listener("hangs", &queue), handler))
        .await;
    assert_eq!(notes.next().await, 0);
    let unsettled = registry
        .stop_all(Deadline::after(Duration::from_secs(2)))
        .await;
    let ids: Vec<_> = unsettled
        .iter()
        .map(|one| one.message_id.as_deref())
        .collect();
    assert_eq!(ids, [Some("m0")]);
    assert!(!unsettled[0].lost);
    check_ledger(&registry);
    assert_eq!(registry.ledger().deliveries.left_to_broker, 1);
    rig.until_ready(&queue, 3).await;
}

pub async fn a_paused_listener_takes_nothing_and_resumes(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("classic").await;
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = handler(move |seen| {
        noting.note(seen.number());
        async { done() }
    });
    let registry = rig
        .start(endpoint(listener("pauses", &queue), handler))
        .await;
    registry
        .pause("pauses", Duration::from_secs(10))
        .await
        .unwrap();
    assert_eq!(
        *registry.state("pauses").unwrap().borrow(),
        ListenerState::Paused
    );
    rig.fill(&queue, 2).await;
    assert_eq!(rig.channel.counts(&queue).await.unwrap(), (2, 0));
    registry.resume("pauses").unwrap();
    assert_eq!(notes.take(2).await, [0, 1]);
    stop(&registry).await;
}

pub async fn an_exclusive_listener_waits_for_its_turn(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("classic").await;
    let exclusive = |id| {
        let mut settings = listener(id, &queue);
        settings.exclusive = true;
        endpoint(settings, handler(|_| async { done() }))
    };
    let registry = rig.registry(vec![exclusive("first"), exclusive("second")]);
    registry.start("first").unwrap();
    registry.wait_consuming(soon()).await.unwrap();
    registry.start("second").unwrap();
    until_state(&registry, "second", waits_for_queue).await;
    registry
        .stop("first", Duration::from_secs(10))
        .await
        .unwrap();
    until_state(&registry, "second", ListenerState::is_consuming).await;
    stop(&registry).await;
}

pub async fn a_listener_whose_connection_has_ended_for_good_has_failed(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("classic").await;
    let ends = endpoint(listener("ends", &queue), handler(|_| async { done() }));
    let registry = rig.start(ends).await;
    rig.connection.close(soon()).await;
    let state = until_state(&registry, "ends", ListenerState::is_failed).await;
    assert!(state.to_string().starts_with("failed: "), "{state}");
    assert_eq!(registry.get("ends").unwrap().consumers, 0);
    // It does not come back by itself, and a wait for it does not last until its deadline.
    registry.start("ends").unwrap();
    let late = registry.wait_consuming(soon()).await.unwrap_err();
    assert!(
        matches!(late[..], [ListenerError::NotConsuming { .. }]),
        "{late:?}"
    );
    stop(&registry).await;
}
