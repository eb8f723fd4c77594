//! Mandatory and persistent are on; publishing, consuming and administration do not stand in each other's way.

use rmq_core::prelude::*;
use rmq_embedded::Event;

use super::refused::blocked_by;
use crate::stage::{LONG, Stage, ends, place};

#[tokio::test]
async fn a_message_is_persistent_unless_it_says_otherwise() {
    let classic = "  listener: { simple: { auto-startup: false } }\n";
    let stage = Stage::start(classic).await;
    let admin = stage.app.admin();
    let queue = Queue::classic("plain").dead_letter(DeadLetter::None);
    admin.declare_queue(queue).await.unwrap();
    let template = stage.template();
    let send = |id: &'static str| template.send("", "plain", Message::new(id)).message_id(id);
    assert!(send("kept").await.is_ok());
    assert!(send("lost").persistent(false).await.is_ok());
    assert_eq!(stage.broker.ready_count("plain"), Some(2));
    stage.broker.restart().await.unwrap();
    assert_eq!(stage.broker.ready_count("plain"), Some(1));
    stage.finish().await;
}

#[tokio::test]
async fn mandatory_is_on_and_only_a_written_false_weakens_it() {
    let stage = Stage::start("").await;
    let unchecked = stage.send("nowhere", "a").mandatory(false);
    let confirmed = ends("a verdict", unchecked.into_future()).await.unwrap();
    assert!(!confirmed.routing_checked(), "and says so");
    stage.finish().await;
    let stage = Stage::start("  publisher-returns: false\n").await;
    let confirmed = ends("a verdict", stage.send("nowhere", "a").into_future()).await;
    assert!(!confirmed.unwrap().routing_checked());
    stage.finish().await;
}

#[tokio::test]
async fn a_blocked_publisher_stops_neither_receives_and_their_acks_nor_the_admin() {
    let stage = Stage::start("").await;
    for id in ["a", "b"] {
        assert!(stage.send("in", id).await.is_ok());
    }
    let first = blocked_by(&stage).await;
    let received = ends("a get", stage.template().receive("orders"))
        .await
        .unwrap();
    assert_eq!(received.unwrap().ack().unwrap().body(), "a");
    let acked = |event: &Event| matches!(event, Event::Acked { .. });
    stage.record().wait_for(LONG, acked).await.unwrap();
    let info = ends("the admin", stage.app.admin().queue_info("orders")).await;
    assert!(info.unwrap().is_some());
    stage.broker.unblock();
    assert!(ends("the first", first).await.is_ok());
    let record = stage.record();
    let acked = place(&record, "ack", acked);
    let unblocked = place(&record, "unblock", |event| {
        matches!(event, Event::Unblocked)
    });
    assert!(acked < unblocked);
    stage.finish().await;
}
