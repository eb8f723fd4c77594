//! What is pending when a link or channel dies goes again under the same id, in order, before anything new.

use std::time::Duration;

use rmq_core::RefusedReason;
use rmq_core::prelude::*;
use rmq_embedded::{Event, Fault, OnPublish, Script};

use crate::stage::{Stage, ends, holds_whole};

/// One fault at one publish without an id of its own: it ends confirmed, under one id, with so many copies in the queue.
async fn sent_again(fault: impl Fn(Script<OnPublish>) -> Fault, copies: usize) {
    let stage = Stage::start("").await;
    let fault = fault(stage.broker.on_publish());
    let publish = stage.template().send("orders", "in", Message::new("x"));
    let confirmed = ends("a verdict", publish.into_future()).await.unwrap();
    assert_eq!(fault.fired(), 1);
    assert_eq!(confirmed.attempts(), 2);
    assert!(
        confirmed.possible_duplicate(),
        "a second copy is possible and is marked"
    );
    let id = confirmed.message_id();
    assert_eq!(
        stage.order(),
        [id, id],
        "the id was fixed before the first attempt"
    );
    assert_eq!(stage.stored(id), copies);
    let ledger = stage.finish().await.published;
    assert_eq!((ledger.sent, ledger.copies), (1, 1), "{ledger}");
}

#[tokio::test]
async fn a_link_cut_before_the_message_is_stored() {
    sent_again(Script::cut_before_storing, 1).await;
}

#[tokio::test]
async fn a_link_cut_after_the_message_is_stored() {
    sent_again(Script::cut_after_storing, 2).await;
}

#[tokio::test]
async fn a_link_cut_in_the_middle_of_the_confirms_frame() {
    sent_again(Script::cut_in_confirm, 2).await;
}

#[tokio::test]
async fn a_link_reset() {
    sent_again(Script::reset, 1).await;
}

#[tokio::test]
async fn a_broker_killed_and_back() {
    sent_again(Script::restart, 1).await;
}

/// As an operator closes it: because of nothing that was sent.
#[tokio::test]
async fn a_connection_closed_by_the_broker() {
    let stage = Stage::start("").await;
    stage.broker.on_publish().hold_confirm();
    let pending = stage.send("in", "a").enqueue().await.unwrap();
    stage.published("a", 1).await;
    stage.broker.close_all(320, "the operator");
    let confirmed = ends("a verdict", pending).await.unwrap();
    assert_eq!(confirmed.attempts(), 2);
    assert!(confirmed.possible_duplicate());
    assert_eq!(stage.order(), ["a", "a"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_link_cut_after_the_return_ends_as_returned() {
    let stage = Stage::start("").await;
    let fault = stage.broker.on_publish().cut_after_return();
    let error = ends("an end", stage.send("nowhere", "a").into_future()).await;
    assert_eq!(fault.fired(), 1);
    let error = error.unwrap_err();
    assert_eq!(
        error.kind(),
        PublishErrorKind::Returned,
        "that no queue has it is known"
    );
    assert_eq!(error.attempts(), 1);
    holds_whole(error, "a");
    assert_eq!(stage.finish().await.published.returned, 1);
}

#[tokio::test]
async fn pending_messages_go_again_in_tag_order_and_before_anything_new() {
    let stage = Stage::start("").await;
    stage.broker.on_publish().times(20).hold_confirm();
    let mut pending = Vec::new();
    for n in 0..20 {
        pending.push(
            stage
                .send("in", &format!("m{n:02}"))
                .enqueue()
                .await
                .unwrap(),
        );
    }
    stage.published("m19", 1).await;
    stage.broker.cut_all();
    // Entered before the publisher has seen the cut, or while there is no channel.
    for n in 20..40 {
        pending.push(
            stage
                .send("in", &format!("m{n:02}"))
                .enqueue()
                .await
                .unwrap(),
        );
    }
    for (n, pending) in pending.into_iter().enumerate() {
        let confirmed = ends("a verdict", pending).await.unwrap();
        assert_eq!(confirmed.message_id(), format!("m{n:02}"));
        assert!(n >= 20 || confirmed.attempts() == 2);
    }
    let again = stage.order().split_off(20);
    let wanted: Vec<String> = (0..40).map(|n| format!("m{n:02}")).collect();
    assert_eq!(again, wanted);
    assert!(stage.finish().await.published.copies >= 20);
}

#[tokio::test]
async fn without_a_broker_it_is_tried_until_the_deadline_and_then_unknown() {
    let stage = Stage::start("  publisher: { confirm-timeout: 300ms }\n").await;
    let fault = stage.broker.on_publish().kill();
    let error = ends("its deadline", stage.send("in", "a").into_future()).await;
    assert_eq!(fault.fired(), 1);
    let error = error.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Unknown);
    assert!(error.possible_duplicate());
    assert!(!error.cause().is_empty());
    holds_whole(error, "a");
    // What never left is not unknown: nobody can have it.
    let error = ends("its deadline", stage.send("in", "b").into_future()).await;
    let error = error.unwrap_err();
    let never_sent = PublishErrorKind::Refused(RefusedReason::NotConnected);
    assert_eq!(error.kind(), never_sent);
    holds_whole(error, "b");
    stage.broker.restart().await.unwrap();
    stage.until_up_again().await;
    assert!(
        ends("a verdict", stage.send("in", "c").into_future())
            .await
            .is_ok()
    );
    let ledger = stage.finish().await.published;
    assert_eq!(
        (ledger.unknown, ledger.refused, ledger.confirmed),
        (1, 1, 1),
        "{ledger}"
    );
}

#[tokio::test]
async fn with_resend_never_what_was_pending_is_unknown_at_once_and_nothing_is_sent_twice() {
    let stage = Stage::start("  template: { resend: never }\n").await;
    stage.broker.on_publish().times(3).hold_confirm();
    let mut pending = Vec::new();
    for id in ["a", "b", "c"] {
        pending.push((id, stage.send("in", id).enqueue().await.unwrap()));
    }
    stage.published("c", 1).await;
    stage.broker.cut_all();
    for (id, pending) in pending {
        let error = ends("an end", pending).await.unwrap_err();
        assert_eq!(error.kind(), PublishErrorKind::Unknown);
        holds_whole(error, id);
    }
    assert!(
        ends("a verdict", stage.send("in", "d").into_future())
            .await
            .is_ok()
    );
    assert_eq!(stage.order(), ["a", "b", "c", "d"]);
    assert_eq!(stage.finish().await.published.unknown, 3);
}

#[tokio::test]
async fn what_has_no_verdict_when_the_program_stops_is_unknown_and_reported_by_id() {
    let stage = Stage::start("  shutdown-timeout: 100ms\n").await;
    stage.broker.on_publish().withhold_confirm();
    let pending = stage.send("in", "a").enqueue().await.unwrap();
    stage.published("a", 1).await;
    let asked = tokio::spawn(pending);
    let record = stage.record();
    let (ledger, report) = stage.finish_unsettled().await;
    let [reported] = report.publishes() else {
        panic!("{report}")
    };
    assert_eq!(reported.message_id, "a");
    assert_eq!(reported.kind, PublishErrorKind::Unknown);
    assert!(report.to_string().contains("look for it"), "{report}");
    let error = ends("an end", asked).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Unknown);
    holds_whole(error, "a");
    assert_eq!(ledger.published.unknown, 1);
    let gone = |event: &Event| matches!(event, Event::Disconnected);
    record.wait_for(Duration::from_secs(5), gone).await.unwrap();
}
