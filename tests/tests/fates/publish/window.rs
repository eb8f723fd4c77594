//! In flight is bounded; the publishing channel owns what is in it, not the caller.

use std::collections::HashSet;

use rmq_core::RefusedReason;
use rmq_core::connection::Purpose;
use rmq_core::prelude::*;
use rmq_embedded::Event;

use crate::stage::{LONG, Line, Stage, ends};

#[tokio::test]
async fn a_full_window_is_back_pressure_and_no_more_than_it_holds_is_on_the_wire() {
    let stage = Stage::start("  publisher: { window: { messages: 3 } }\n").await;
    stage.broker.on_publish().times(3).hold_confirm();
    let mut waiting = Vec::new();
    for n in 0..6 {
        waiting.push(tokio::spawn(stage.send("in", &n.to_string()).into_future()));
    }
    stage.published("2", 1).await;
    // Whoever could go on has gone on.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.order(), ["0", "1", "2"]);
    assert_eq!(stage.app.health().unconfirmed, 3);
    stage.broker.release_confirms();
    for waiting in waiting {
        assert!(ends("a verdict", waiting).await.unwrap().is_ok());
    }
    assert_eq!(
        stage.order(),
        ["0", "1", "2", "3", "4", "5"],
        "who waited first went first"
    );
    stage.finish().await;
}

#[tokio::test]
async fn the_window_bounds_bytes_and_lets_one_larger_body_in_alone() {
    let window = "  publisher: { window: { size: 100B }, window-timeout: 20ms }\n";
    let stage = Stage::start(window).await;
    let of = |size: usize, id: &'static str| {
        let message = Message::new(vec![b'x'; size]).with_message_id(id);
        stage.template().send("orders", "in", message)
    };
    stage.broker.on_publish().hold_confirm();
    let large = of(1_000, "large").enqueue().await.unwrap();
    let error = ends("a refusal", of(1, "small").into_future())
        .await
        .unwrap_err();
    let full = PublishErrorKind::Refused(RefusedReason::WindowFull);
    assert_eq!(error.kind(), full);
    stage.published("large", 1).await;
    stage.broker.release_confirms();
    assert!(ends("a verdict", large).await.is_ok());
    assert!(
        ends("a verdict", of(1, "small").into_future())
            .await
            .is_ok()
    );
    stage.finish().await;
}

#[tokio::test]
async fn dropping_the_callers_future_changes_nothing_for_the_message_and_the_callback_runs() {
    let stage = Stage::start("").await;
    stage.broker.on_publish().cut_after_storing();
    let mut sending = stage.send("in", "a").into_future();
    // One poll puts it into the window; then its caller is gone.
    assert!(futures_util::poll!(&mut sending).is_pending());
    drop(sending);
    stage.told.wait(1).await;
    let confirm = Line::Confirm("a".to_owned(), PublishOutcome::Confirmed);
    assert_eq!(stage.told.lines(), [confirm]);
    assert_eq!(stage.order(), ["a", "a"], "even sent again");
    let ledger = stage.finish().await.published;
    assert_eq!((ledger.sent, ledger.confirmed), (1, 1), "{ledger}");
}

#[tokio::test]
async fn a_future_dropped_before_there_is_room_sends_and_counts_nothing() {
    let stage = Stage::start("  publisher: { window: { messages: 1 } }\n").await;
    stage.broker.on_publish().hold_confirm();
    let first = stage.send("in", "first").enqueue().await.unwrap();
    let mut sending = stage.send("in", "a").into_future();
    assert!(futures_util::poll!(&mut sending).is_pending());
    drop(sending);
    stage.published("first", 1).await;
    stage.broker.release_confirms();
    assert!(ends("a verdict", first).await.is_ok());
    assert!(
        ends("a verdict", stage.send("in", "b").into_future())
            .await
            .is_ok()
    );
    assert_eq!(stage.order(), ["first", "b"]);
    assert_eq!(stage.finish().await.published.sent, 2);
}

/// Channels that the publishing connection has now, and channels that the broker has opened so far.
fn channels(stage: &Stage) -> (usize, usize) {
    let connections = stage.app.health().connections;
    let publishing = connections
        .iter()
        .filter(|connection| connection.purpose == Purpose::Publishing);
    let in_use = publishing.map(|connection| connection.channels).sum();
    let is_open =
        |event: &Event| matches!(event, Event::Method { name } if *name == "channel.open");
    (in_use, stage.record().count(is_open))
}

/// Spring's template takes a channel for each publish whose confirm is awaited.
#[tokio::test]
async fn a_thousand_publishes_in_flight_need_one_channel() {
    let stage = Stage::start("").await;
    let first = ends("a verdict", stage.send("in", "first").into_future()).await;
    assert!(first.is_ok());
    let before = channels(&stage);
    assert!(before.1 > 0, "the record has the opened channels");
    stage.broker.on_publish().every_time().hold_confirm();
    let mut tasks = Vec::new();
    for n in 0..1_000 {
        let publish = stage.send("in", &n.to_string());
        tasks.push(tokio::spawn(publish.enqueue()));
    }
    let mut pending = Vec::new();
    for task in tasks {
        pending.push(ends("a place in the window", task).await.unwrap().unwrap());
    }
    let is_publish = |event: &Event| matches!(event, Event::Published { .. });
    let all = stage.record().wait_for_count(LONG, 1_001, is_publish).await;
    all.unwrap();
    assert_eq!(stage.app.health().unconfirmed, 1_000);
    assert_eq!(channels(&stage), before, "no channel was opened");
    let record = stage.record();
    assert_eq!(record.dropped(), 0);
    let events = record.events();
    let publishes = events.iter().filter(|one| is_publish(&one.event));
    let used: HashSet<_> = publishes.map(|one| (one.connection, one.channel)).collect();
    assert_eq!(used.len(), 1, "{used:?}");
    stage.broker.clear_faults();
    stage.broker.release_confirms();
    for pending in pending {
        assert!(ends("a verdict", pending).await.is_ok());
    }
    assert_eq!(stage.finish().await.published.confirmed, 1_001);
}
