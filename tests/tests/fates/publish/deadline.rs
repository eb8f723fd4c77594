//! A message whose deadline passed keeps its slot until the ack or the end of the channel. A late verdict is counted.

use rmq_core::prelude::*;

use crate::stage::{Line, Stage, ends, holds_whole};

const SHORT: &str = "  publisher: { confirm-timeout: 100ms }\n";

/// A message that the broker holds and that is told as unknown.
async fn overdue(stage: &Stage) {
    stage.broker.on_publish().hold_confirm();
    let error = ends("its deadline", stage.send("in", "a").into_future()).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Unknown);
    assert!(error.possible_duplicate());
    holds_whole(error, "a");
    assert_eq!(stage.template().window_used(), 1, "it keeps its slot");
    assert_eq!(stage.app.health().unconfirmed, 0, "but it is told");
}

async fn until_the_slot_is_free(stage: &Stage) {
    let free = async {
        while stage.template().window_used() > 0 {
            tokio::task::yield_now().await;
        }
    };
    ends("a free slot", free).await;
}

#[tokio::test]
async fn a_late_ack_frees_the_slot_is_counted_and_changes_nothing_told() {
    let stage = Stage::start(SHORT).await;
    overdue(&stage).await;
    // The channel lives on.
    assert!(
        ends("a verdict", stage.send("in", "b").into_future())
            .await
            .is_ok()
    );
    stage.broker.release_confirms();
    until_the_slot_is_free(&stage).await;
    let told = stage.told.clone();
    let ledger = stage.finish().await.published;
    assert_eq!((ledger.unknown, ledger.confirmed), (1, 1), "{ledger}");
    assert_eq!(ledger.late_verdicts, 1, "{ledger}");
    let wanted = [
        Line::Confirm("a".to_owned(), PublishOutcome::Unknown),
        Line::Confirm("b".to_owned(), PublishOutcome::Confirmed),
    ];
    assert_eq!(told.lines(), wanted);
}

#[tokio::test]
async fn the_end_of_the_channel_frees_the_slot_and_the_message_is_not_sent_again() {
    let stage = Stage::start(SHORT).await;
    overdue(&stage).await;
    stage.broker.cut_all();
    until_the_slot_is_free(&stage).await;
    stage.until_up_again().await;
    assert!(
        ends("a verdict", stage.send("in", "b").into_future())
            .await
            .is_ok()
    );
    assert_eq!(stage.order(), ["a", "b"]);
    let ledger = stage.finish().await.published;
    assert_eq!((ledger.unknown, ledger.late_verdicts), (1, 0), "{ledger}");
}

#[tokio::test]
async fn a_return_whose_ack_never_comes_ends_at_the_deadline() {
    let stage = Stage::start(SHORT).await;
    stage.broker.on_publish().return_without_ack();
    let error = ends("its deadline", stage.send("in", "a").into_future()).await;
    holds_whole(error.unwrap_err(), "a");
    stage.finish().await;
}
