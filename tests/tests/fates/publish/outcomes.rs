//! The five outcomes, each with what the caller holds.

use rmq_core::PublishErrorKind;
use rmq_core::prelude::*;
use rmq_embedded::Event;

use crate::stage::{Line, Stage, ends, holds_whole, place};

#[tokio::test]
async fn confirmed_is_an_ack_without_a_return_and_tells_how_often_it_was_sent() {
    let stage = Stage::start("").await;
    let confirmed = ends("a verdict", stage.send("in", "a").into_future()).await;
    let confirmed = confirmed.unwrap();
    assert_eq!(confirmed.message_id(), "a");
    assert_eq!(confirmed.attempts(), 1);
    assert!(confirmed.routing_checked());
    assert!(!confirmed.possible_duplicate());
    let record = stage.record();
    let stored = place(&record, "store", |event| {
        matches!(event, Event::Stored { .. })
    });
    let acked = place(&record, "ack", |event| {
        matches!(event, Event::Confirmed { ack: true, .. })
    });
    assert!(stored < acked);
    let told = stage.told.clone();
    let ledger = stage.finish().await;
    assert_eq!(ledger.published.confirmed, 1);
    let line = Line::Confirm("a".to_owned(), PublishOutcome::Confirmed);
    assert_eq!(told.lines(), [line]);
}

#[tokio::test]
async fn returned_gives_the_whole_message_back_with_code_and_text() {
    let stage = Stage::start("").await;
    let publish = stage.send("nowhere", "a").header("x-tenant", "acme");
    let error = ends("a verdict", publish.into_future()).await.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Returned);
    assert_eq!(error.reply(), Some((312, "NO_ROUTE")));
    let tenant = error
        .message()
        .and_then(|message| message.header("x-tenant"));
    assert_eq!(tenant.and_then(|tenant| tenant.as_str()), Some("acme"));
    holds_whole(error, "a");
    assert_eq!(stage.broker.ready_count("orders"), Some(0));
    assert_eq!(stage.finish().await.published.returned, 1);
}

/// The worst case of the wire: returns go out at once, and one cumulative ack speaks for all.
#[tokio::test]
async fn returns_and_one_cumulative_ack_for_all_give_each_message_its_own_verdict() {
    let stage = Stage::start("").await;
    stage.broker.on_publish().gather_confirms(100);
    verdicts_of_100(stage).await;
}

#[tokio::test]
async fn confirms_in_reverse_order_give_each_message_its_own_verdict() {
    let stage = Stage::start("").await;
    stage.broker.on_publish().reverse_confirms(100);
    verdicts_of_100(stage).await;
}

async fn verdicts_of_100(stage: Stage) {
    let keys = |n: usize| if n % 7 == 3 { "nowhere" } else { "in" };
    let publishes = (0..100).map(|n| stage.send(keys(n), &n.to_string()));
    let ended = ends("all", stage.template().send_all(publishes)).await;
    for (n, end) in ended.into_iter().enumerate() {
        match end {
            Ok(confirmed) => {
                assert_eq!(confirmed.message_id(), n.to_string());
                assert_eq!(keys(n), "in");
            }
            Err(error) => {
                assert_eq!(error.kind(), PublishErrorKind::Returned);
                assert_eq!(keys(n), "nowhere");
                holds_whole(error, &n.to_string());
            }
        }
    }
    let ledger = stage.finish().await.published;
    assert_eq!((ledger.confirmed, ledger.returned), (86, 14), "{ledger}");
}

#[tokio::test]
async fn nacked_gives_the_whole_message_back_with_a_cause() {
    let stage = Stage::start("").await;
    stage.broker.on_publish().nack();
    let error = ends("a verdict", stage.send("in", "a").into_future()).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Nacked);
    assert!(error.cause().contains("basic.nack"), "{error}");
    assert!(error.is_transient());
    holds_whole(error, "a");
    assert_eq!(stage.stored("a"), 0);
    // The next one is none the worse.
    assert!(stage.send("in", "b").await.is_ok());
    let ledger = stage.finish().await.published;
    assert_eq!((ledger.nacked, ledger.confirmed), (1, 1), "{ledger}");
}

#[tokio::test]
async fn nacked_although_a_queue_holds_it_is_nacked_and_sent_once() {
    let stage = Stage::start("").await;
    stage.broker.on_publish().nack_after_storing();
    let error = ends("a verdict", stage.send("in", "a").into_future()).await;
    assert_eq!(error.unwrap_err().kind(), PublishErrorKind::Nacked);
    assert_eq!(
        stage.stored("a"),
        1,
        "others may hold it, so it is not sent again"
    );
    assert_eq!(stage.order(), ["a"]);
    stage.finish().await;
}

/// `template.retry.enabled`: nacked and transiently refused is sent again, marked.
#[tokio::test]
async fn with_retry_a_nacked_message_is_sent_again_inside_the_deadline_and_marked() {
    let retry = "  template: { retry: { enabled: true, initial-interval: 5ms } }\n";
    let stage = Stage::start(retry).await;
    stage.broker.on_publish().times(2).nack_after_storing();
    let confirmed = ends("a verdict", stage.send("in", "a").into_future()).await;
    let confirmed = confirmed.unwrap();
    assert_eq!(confirmed.attempts(), 3);
    assert!(confirmed.possible_duplicate());
    assert_eq!(stage.stored("a"), 3);
    // Spent: the last verdict is told.
    stage.broker.on_publish().every_time().nack();
    let error = ends("a verdict", stage.send("in", "b").into_future()).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Nacked);
    assert_eq!(error.attempts(), 4);
    let ledger = stage.finish().await.published;
    assert_eq!((ledger.sent, ledger.copies), (2, 5), "{ledger}");
}
