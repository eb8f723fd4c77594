//! On a new connection: the topology first, and a time of grace for returns.

use rmq_core::prelude::*;
use rmq_embedded::{EmbeddedBroker, Event};

use crate::stage::{LONG, Stage, ends, holds_whole};

#[tokio::test]
async fn no_message_leaves_before_the_declared_topology_stands() {
    let stage = Stage::start("").await;
    stage.broker.on_publish().times(5).hold_confirm();
    let mut pending = Vec::new();
    for n in 0..5 {
        pending.push(stage.send("in", &n.to_string()).enqueue().await.unwrap());
    }
    stage.published("4", 1).await;
    let old = connection_of_publish(&stage, 0);
    // What was declared is gone, and comes back late: each bind is answered only after the link was cut once more.
    stage.broker.on_method("queue.bind").cut_before_answer();
    stage.broker.cut_all();
    for pending in pending {
        assert!(ends("a verdict", pending).await.is_ok());
    }
    let new = connection_of_publish(&stage, 5);
    assert_ne!(old, new);
    let events = stage.record().events();
    let on_new: Vec<_> = events.iter().filter(|one| one.connection == new).collect();
    let first_publish = on_new
        .iter()
        .position(|one| matches!(one.event, Event::Published { .. }))
        .unwrap();
    for method in ["exchange.declare", "queue.declare", "queue.bind"] {
        let declared = on_new[..first_publish]
            .iter()
            .any(|one| matches!(one.event, Event::Method { name } if name == method));
        assert!(declared, "{method} before the first publish");
    }
    stage.finish().await;
}

fn connection_of_publish(stage: &Stage, nth: usize) -> u64 {
    let events = stage.record().events();
    let publishes = events
        .iter()
        .filter(|one| matches!(one.event, Event::Published { .. }));
    publishes.map(|one| one.connection).nth(nth).unwrap()
}

/// A binding that is somebody else's comes back only after the publisher does.
#[tokio::test]
async fn a_return_within_the_grace_time_is_tried_again_before_it_is_told() {
    let stage = Stage::start("").await;
    reconnected(&stage).await;
    let late = stage.send("late", "a").enqueue().await.unwrap();
    let returned = |event: &Event| matches!(event, Event::Returned { .. });
    stage
        .record()
        .wait_for_count(LONG, 2, returned)
        .await
        .unwrap();
    let binding = Binding::queue("orders").to("orders").with("late");
    ends("a binding", stage.app.admin().declare_binding(binding))
        .await
        .unwrap();
    let confirmed = ends("a verdict", late).await.unwrap();
    assert!(confirmed.attempts() > 2);
    assert!(
        !confirmed.possible_duplicate(),
        "what came back was in no queue"
    );
    assert_eq!(stage.stored("a"), 1);
    let told = stage.told.clone();
    let ledger = stage.finish().await.published;
    assert_eq!(ledger.returned, 0);
    let of_a = told
        .lines()
        .iter()
        .filter(|line| format!("{line:?}").contains("\"a\""))
        .count();
    assert_eq!(of_a, 1, "only the confirm was told: {:?}", told.lines());
}

/// A publish on a second link of the publisher.
async fn reconnected(stage: &Stage) {
    stage.broker.on_publish().with_key("in").cut_after_storing();
    let confirmed = ends("a verdict", stage.send("in", "before").into_future()).await;
    assert_eq!(confirmed.unwrap().attempts(), 2);
}

#[tokio::test]
async fn when_the_grace_time_is_over_the_return_is_told() {
    let grace = "  publisher: { return-grace: 120ms }\n";
    let stage = Stage::on(EmbeddedBroker::builder(), grace).await;
    reconnected(&stage).await;
    let error = ends("a return", stage.send("nowhere", "a").into_future()).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Returned);
    holds_whole(error, "a");
    assert_eq!(stage.finish().await.published.returned, 1);
}

#[tokio::test]
async fn without_a_reconnect_a_return_is_told_at_once() {
    let stage = Stage::start("").await;
    let error = ends("a return", stage.send("nowhere", "a").into_future()).await;
    assert_eq!(error.unwrap_err().attempts(), 1);
    stage.finish().await;
}
