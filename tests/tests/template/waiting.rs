//! Full windows, blocked brokers, callers who go away, topology that comes late.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use rmq_core::connection::ConnectionState;
use rmq_core::message::Message;
use rmq_core::template::{PublishErrorKind, RefusedReason, TemplateSettings};
use rmq_tests::broker::{Node, NodeConfig, Release, announced, unique};

use crate::support::{Rig, ends, kind, name, on_both, tcp};

async fn a_blocked_broker_holds_publishers_up_and_refuses_at_the_deadline(release: Release) {
    let node = Node::start(release, NodeConfig::default()).unwrap();
    let mut settings = TemplateSettings::default();
    settings.window_timeout = Duration::from_millis(500);
    let rig = Rig::with(tcp(&node.address()), settings).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    node.block().unwrap();
    // The broker says that it is blocked only to one who publishes: this one is in flight until the alarm ends.
    let publish = |id: &str| {
        let message = Message::new("x").with_message_id(id.to_owned());
        rig.template.send(exchange.clone(), "in", message)
    };
    let first = publish("first").enqueue().await.unwrap();
    let mut state = rig.publishing.state();
    let blocked = state.wait_for(|state| matches!(state, ConnectionState::Blocked { .. }));
    ends("to be blocked", blocked).await.unwrap();
    let refused = ends("a refusal", publish("second").into_future()).await;
    assert_eq!(
        kind(&refused),
        Some(PublishErrorKind::Refused(RefusedReason::Blocked))
    );
    // Receives have a connection of their own.
    assert!(
        ends("a get", rig.template.receive(queue.clone()))
            .await
            .unwrap()
            .is_none()
    );
    node.unblock().unwrap();
    assert!(ends("the first", first).await.is_ok());
    let open = rig.publishing.wait_unblocked(crate::support::soon());
    ends("to be unblocked", open).await.unwrap();
    assert!(
        ends("the third", publish("third").into_future())
            .await
            .is_ok()
    );
    assert_eq!(rig.count(&queue).await, 2);
    rig.finish().await;
}

async fn a_dropped_future_changes_nothing_for_the_message(release: Release) {
    let broker = announced(release).unwrap();
    let rig = Rig::start(broker.address()).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    for n in 0..200 {
        let message = Message::new("x").with_message_id(format!("m{n}"));
        let publish = rig.template.send(exchange.clone(), "in", message);
        let mut sending = publish.into_future();
        // One poll puts it into the window; then its caller is gone.
        let polled = futures_util::poll!(&mut sending);
        assert!(polled.is_pending() || polled.is_ready());
        drop(sending);
    }
    let (template, confirms) = (rig.template.clone(), Arc::clone(&rig.confirms));
    let left = ends("the stop", template.stop(crate::support::soon())).await;
    assert!(left.is_empty());
    assert_eq!(template.counts().confirmed, 200);
    assert_eq!(confirms.lock().len(), 200, "the callback was told of each");
    assert_eq!(rig.count(&queue).await, 200);
    rig.finish().await;
}

async fn a_topology_that_comes_back_after_the_publisher_is_waited_for(release: Release) {
    let broker = announced(release).unwrap();
    let rig = Rig::start(broker.address()).await;
    let exchange = name(&unique("exchange"));
    let queue = name(&unique("queue"));
    rig.exchange(&exchange, "direct").await;
    let publish = |id: &'static str| {
        let message = Message::new("x").with_message_id(id);
        rig.template.send(exchange.clone(), "in", message)
    };
    let before = ends("a verdict", publish("before").into_future()).await;
    assert_eq!(
        kind(&before),
        Some(PublishErrorKind::Returned),
        "without a reconnect a return is told"
    );
    let generation = rig
        .publishing
        .state()
        .borrow()
        .connection()
        .unwrap()
        .generation;
    rig.publishing
        .replace(generation, "the test wants a new link");
    let mut state = rig.publishing.state();
    let again = state.wait_for(|state| {
        let open = state.connection();
        open.is_some_and(|open| open.generation > generation)
    });
    ends("a new link", again).await.unwrap();
    // On the new link, before the queue is there.
    let early = ends("room", publish("early").enqueue()).await.unwrap();
    let copies = rig.template.counts().copies;
    while rig.template.counts().copies == copies {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    rig.queue(&queue, Vec::new()).await;
    rig.bind(&exchange, &queue, "in").await;
    let confirmed = ends("a verdict", early).await.unwrap();
    assert!(confirmed.attempts() > 1);
    assert!(!confirmed.possible_duplicate());
    assert_eq!(rig.count(&queue).await, 1);
    rig.finish().await;
}

on_both! {
    a_blocked_broker_holds_publishers_up_and_refuses_at_the_deadline,
    a_dropped_future_changes_nothing_for_the_message,
    a_topology_that_comes_back_after_the_publisher_is_waited_for,
}
