//! Refused by us, before anything is sent; refused by the broker, with its words.

use rmq_core::prelude::*;
use rmq_core::{Publish, RefusedReason};
use rmq_embedded::{EmbeddedBroker, Event, Permissions};
use serde::Serialize;

use crate::stage::{Stage, ends, holds_whole};

fn reason(kind: PublishErrorKind) -> RefusedReason {
    match kind {
        PublishErrorKind::Refused(reason) => reason,
        other => panic!("{other:?}"),
    }
}

/// A publish that never reaches the broker.
async fn refused_by_us(stage: &Stage, publish: Publish, wanted: RefusedReason) {
    let before = stage.order().len();
    let error = ends("a refusal", publish.into_future()).await.unwrap_err();
    assert_eq!(reason(error.kind()), wanted, "{error}");
    assert_eq!(error.attempts(), 0);
    if wanted == RefusedReason::Conversion {
        assert!(error.message().is_none(), "there never was one");
    } else {
        holds_whole(error, "a");
    }
    assert_eq!(stage.order().len(), before, "nothing was sent");
}

#[derive(Serialize)]
struct Order {
    id: u64,
}

struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it cannot be written"))
    }
}

#[tokio::test]
async fn what_cannot_be_converted_is_refused() {
    let stage = Stage::start("").await;
    let publish = stage
        .template()
        .convert_and_send("orders", "in", &Unwritable);
    refused_by_us(&stage, publish, RefusedReason::Conversion).await;
    let fine = stage
        .template()
        .convert_and_send("orders", "in", &Order { id: 1 });
    assert!(fine.await.is_ok());
    let ledger = stage.finish().await.published;
    assert_eq!((ledger.sent, ledger.refused), (2, 1), "{ledger}");
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_sent() {
    let stage = Stage::start("  publisher: { max-message-size: 100B }\n").await;
    let large = Message::new(vec![b'x'; 101]).with_message_id("a");
    let error = stage
        .template()
        .send("orders", "in", large)
        .await
        .unwrap_err();
    assert_eq!(reason(error.kind()), RefusedReason::TooLarge);
    assert_eq!(error.into_message().unwrap().body().len(), 101);
    assert!(stage.order().is_empty());
    assert_eq!(stage.finish().await.published.refused, 1);
}

#[tokio::test]
async fn headers_that_no_frame_holds_are_refused() {
    let stage = Stage::on(EmbeddedBroker::builder().frame_max(4096), "").await;
    let publish = stage.send("in", "a").header("x-long", "x".repeat(5_000));
    refused_by_us(&stage, publish, RefusedReason::Headers).await;
    assert_eq!(stage.finish().await.published.refused, 1);
}

#[tokio::test]
async fn names_longer_than_the_protocol_allows_are_refused() {
    let stage = Stage::start("").await;
    let key = "k".repeat(256);
    let publish = stage.send(&key, "a");
    refused_by_us(&stage, publish, RefusedReason::NameTooLong).await;
    assert_eq!(stage.finish().await.published.refused, 1);
}

#[tokio::test]
async fn a_window_full_until_the_deadline_refuses() {
    let window = "  publisher: { window: { messages: 1 }, window-timeout: 20ms }\n";
    let stage = Stage::start(window).await;
    stage.broker.on_publish().hold_confirm();
    let first = stage.send("in", "first").enqueue().await.unwrap();
    stage.published("first", 1).await;
    let publish = stage.send("in", "a");
    refused_by_us(&stage, publish, RefusedReason::WindowFull).await;
    stage.broker.release_confirms();
    assert!(ends("the first", first).await.is_ok());
    let ledger = stage.finish().await.published;
    assert_eq!((ledger.confirmed, ledger.refused), (1, 1), "{ledger}");
}

#[tokio::test]
async fn a_broker_blocked_until_the_deadline_refuses() {
    let stage = Stage::start("  publisher: { window-timeout: 20ms }\n").await;
    let first = blocked_by(&stage).await;
    let publish = stage.send("in", "a");
    refused_by_us(&stage, publish, RefusedReason::Blocked).await;
    assert!(stage.app.health().is_blocked());
    stage.broker.unblock();
    assert!(ends("the first", first).await.is_ok());
    let ledger = stage.finish().await.published;
    assert_eq!((ledger.confirmed, ledger.refused), (1, 1), "{ledger}");
}

/// The broker tells only those that it is blocked who publish: this one is in flight until the alarm ends.
pub async fn blocked_by(stage: &Stage) -> rmq_core::PendingConfirm {
    stage.broker.on_publish().block();
    let first = stage.send("in", "first").enqueue().await.unwrap();
    let blocked = |event: &Event| matches!(event, Event::Blocked);
    stage
        .record()
        .wait_for(crate::stage::LONG, blocked)
        .await
        .unwrap();
    while !stage.app.health().is_blocked() {
        tokio::task::yield_now().await;
    }
    first
}

#[tokio::test]
async fn a_program_that_stops_refuses() {
    let stage = Stage::start("").await;
    let app = stage.app.clone();
    ends("the stop", app.stop()).await.unwrap();
    let publish = stage.send("in", "a");
    refused_by_us(&stage, publish, RefusedReason::ShuttingDown).await;
    // The callbacks have ended with the program, so only the ledger is asked.
    let ledger = stage.app.ledger();
    assert_eq!(ledger.published.refused, 1);
    assert!(ledger.adds_up(), "{ledger}");
}

/// A publish that the broker answers with an error.
async fn refused_by_the_broker(stage: Stage, publish: Publish, code: u16, words: &str) {
    let good = stage.send("in", "good").enqueue().await.unwrap();
    let error = ends("a refusal", publish.into_future()).await.unwrap_err();
    assert_eq!(reason(error.kind()), RefusedReason::Broker, "{error}");
    let (found, text) = error.reply().unwrap();
    assert_eq!(found, code);
    assert!(text.contains(words), "{text}");
    holds_whole(error, "a");
    assert!(
        ends("the neighbour", good).await.is_ok(),
        "no neighbour pays"
    );
    let ledger = stage.finish().await.published;
    assert_eq!((ledger.refused, ledger.confirmed), (1, 1), "{ledger}");
}

#[tokio::test]
async fn a_missing_exchange_is_refused_by_the_broker() {
    let stage = Stage::start("").await;
    let message = Message::new("a").with_message_id("a");
    let publish = stage.template().send("missing", "in", message);
    refused_by_the_broker(stage, publish, 404, "no exchange 'missing'").await;
}

#[tokio::test]
async fn an_exchange_that_may_not_be_written_to_is_refused_by_the_broker() {
    let may = Permissions::none()
        .vhost("/")
        .configure("orders")
        .write("orders")
        .read("orders");
    let broker = EmbeddedBroker::builder().limited_user("clerk", "secret", may);
    let stage = Stage::on(broker, "  username: clerk\n  password: secret\n").await;
    let message = Message::new("a").with_message_id("a");
    let publish = stage.template().send("amq.direct", "in", message);
    refused_by_the_broker(stage, publish, 403, "ACCESS_REFUSED").await;
}

#[tokio::test]
async fn a_body_above_the_brokers_limit_is_refused_by_the_broker() {
    let broker = EmbeddedBroker::builder().max_message_size(1_000);
    let stage = Stage::on(broker, "").await;
    let large = Message::new(vec![b'x'; 2_000]).with_message_id("a");
    let good = stage.send("in", "good").enqueue().await.unwrap();
    let error = ends(
        "a refusal",
        stage.template().send("orders", "in", large).into_future(),
    );
    let error = error.await.unwrap_err();
    assert_eq!(reason(error.kind()), RefusedReason::Broker);
    assert_eq!(error.reply().unwrap().0, 406);
    assert_eq!(error.into_message().unwrap().body().len(), 2_000);
    assert!(ends("the neighbour", good).await.is_ok());
    stage.finish().await;
}
