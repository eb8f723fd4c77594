//! A broker short of memory: it takes no publishes and answers nothing on the connection that tried.

use std::time::Duration;

use rmq_core::message::Message;
use rmq_core::time::Deadline;
use rmq_core::transport::{LinkState, Settlement, TransportErrorKind, Verdict};
use rmq_tests::broker::{Node, NodeConfig, Release};

use crate::rig::{Consumer, Publisher, link, queue, soon, waiting};

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn publishes_wait_and_acks_go_on(release: Release) {
    let node = std::sync::Arc::new(
        blocking(move || Node::start(release, NodeConfig::default()))
            .await
            .unwrap(),
    );
    let (publishing, consuming) = (link(&node.address()).await, link(&node.address()).await);
    let channel = consuming.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    let mut publisher = Publisher::open(&publishing).await;
    for token in 0..10 {
        publisher.publish(&queue, &Message::new("m"), token);
    }
    publisher.verdicts(10).await;
    let mut consumer = Consumer::start(&channel, &queue, false).await;
    let mut deliveries = Vec::new();
    for _ in 0..10 {
        deliveries.push(consumer.delivery().await);
    }
    let alarm = std::sync::Arc::clone(&node);
    blocking(move || alarm.block()).await.unwrap();
    publisher.publish(&queue, &Message::new("waits"), 10);
    publishing
        .state()
        .wait_for(|state| matches!(state, LinkState::Blocked(_)))
        .await
        .unwrap();
    // Acks and their round trip go on over the other connection.
    for delivery in deliveries {
        channel.settle(delivery.tag(), Settlement::Ack).unwrap();
    }
    channel.round_trip(soon()).await.unwrap();
    assert_eq!(channel.unproven(), 0);
    // Nothing is answered here: the deadline ends the call.
    let short = || Deadline::after(Duration::from_millis(300));
    let error = publishing.open_channel(short()).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Deadline, "{error}");
    assert_eq!(publisher.channel.in_flight(), 1);
    let alarm = std::sync::Arc::clone(&node);
    blocking(move || alarm.unblock()).await.unwrap();
    assert!(matches!(publisher.settled().await, (10, Verdict::Ack)));
    publishing
        .state()
        .wait_for(|state| *state == LinkState::Open)
        .await
        .unwrap();
    assert_eq!(consumer.delivery().await.message().body(), "waits");

    // A goodbye on a blocked connection ends at its deadline, and the pending publish is told.
    let alarm = std::sync::Arc::clone(&node);
    blocking(move || alarm.block()).await.unwrap();
    publisher.publish(&queue, &Message::new("never confirmed"), 11);
    publishing
        .state()
        .wait_for(|state| matches!(state, LinkState::Blocked(_)))
        .await
        .unwrap();
    publishing.close(short()).await;
    let (cause, pending) = publisher.closed().await;
    assert!(cause.by_us && cause.link && pending.len() == 1, "{cause}");
    assert_eq!(waiting(&channel, &queue).await, 0);
    blocking(move || drop(node)).await;
}

/// SIGKILL with publishes in flight and deliveries unsettled: everybody is told once.
async fn a_killed_broker_leaves_nobody_untold(release: Release) {
    let node = blocking(move || Node::start(release, NodeConfig::default()))
        .await
        .unwrap();
    let link = link(&node.address()).await;
    let channel = link.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    let mut publisher = Publisher::open(&link).await;
    let mut consumer = Consumer::start(&channel, &queue, false).await;
    let mut sent = 0;
    let kill = blocking(move || {
        node.kill();
        node
    });
    tokio::pin!(kill);
    let node = loop {
        tokio::select! {
            biased;
            node = &mut kill => break node,
            () = tokio::task::yield_now() => {}
        }
        if publisher.channel.in_flight() < 500
            && publisher
                .channel
                .publish(
                    &crate::rig::name(""),
                    &queue,
                    &Message::new("m"),
                    true,
                    sent,
                )
                .is_ok()
        {
            sent += 1;
        }
    };
    let mut fates = std::collections::HashSet::new();
    let cause = loop {
        match publisher.next().await {
            crate::rig::Told::Settled(token, verdict) => {
                assert!(matches!(verdict, Verdict::Ack));
                assert!(fates.insert(token));
            }
            crate::rig::Told::Closed(cause, pending) => {
                assert!(pending.iter().all(|one| fates.insert(one.token)));
                break cause;
            }
        }
    };
    assert!(cause.link && !cause.by_us, "{cause}");
    assert_eq!(fates.len() as u64, sent);
    while !matches!(consumer.next().await, crate::rig::Heard::Closed(_)) {}
    assert!(channel.settle(1, Settlement::Ack).is_err());
    blocking(move || drop(node)).await;
}

mod rabbit3 {
    #[tokio::test(flavor = "multi_thread")]
    async fn under_a_memory_alarm_publishes_wait_and_acks_go_on() {
        super::publishes_wait_and_acks_go_on(super::Release::V3).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_killed_broker_leaves_nobody_untold() {
        super::a_killed_broker_leaves_nobody_untold(super::Release::V3).await;
    }
}

mod rabbit4 {
    #[tokio::test(flavor = "multi_thread")]
    async fn under_a_memory_alarm_publishes_wait_and_acks_go_on() {
        super::publishes_wait_and_acks_go_on(super::Release::V4).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_killed_broker_leaves_nobody_untold() {
        super::a_killed_broker_leaves_nobody_untold(super::Release::V4).await;
    }
}
