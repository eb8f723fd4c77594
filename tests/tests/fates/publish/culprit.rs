//! After an error that names no tag the culprit is looked for, one message at a time. Only it pays.

use rmq_core::RefusedReason;
use rmq_core::prelude::*;
use rmq_embedded::{Event, Fault, OnPublish, Script};

use crate::stage::{Stage, ends, holds_whole};

const CULPRIT: PublishErrorKind = PublishErrorKind::Refused(RefusedReason::Broker);

/// Thirty messages, some of which hit the fault each time they arrive. They end refused, everybody else confirmed.
async fn search(poison: &[usize], fault: impl Fn(Script<OnPublish>) -> Fault, code: u16) -> Stage {
    let stage = Stage::start("").await;
    fault(stage.broker.on_publish().with_key("poison").every_time());
    // Confirms do not come before all were sent, so that the fault meets the whole burst.
    stage
        .broker
        .on_publish()
        .with_key("in")
        .times(30)
        .hold_confirm();
    let mut pending = Vec::new();
    for n in 0..30 {
        let key = if poison.contains(&n) { "poison" } else { "in" };
        pending.push(stage.send(key, &n.to_string()).enqueue().await.unwrap());
    }
    let release = async {
        loop {
            stage.broker.release_confirms();
            tokio::task::yield_now().await;
        }
    };
    let told = async {
        for (n, pending) in pending.into_iter().enumerate() {
            match pending.await {
                Ok(_) => assert!(!poison.contains(&n), "{n}"),
                Err(error) => {
                    assert!(poison.contains(&n), "a neighbour paid: {error}");
                    assert_eq!(error.kind(), CULPRIT);
                    assert_eq!(error.reply().unwrap().0, code, "{error}");
                    holds_whole(error, &n.to_string());
                }
            }
        }
    };
    tokio::select! {
        () = ends("all", told) => {}
        () = release => {}
    }
    for n in (0..30).filter(|n| !poison.contains(n)) {
        assert!(stage.stored(&n.to_string()) >= 1, "{n} was confirmed");
    }
    stage
}

#[tokio::test]
async fn a_channel_closed_by_one_publish_refuses_that_one_and_no_neighbour() {
    let stage = search(&[17], |at| at.close_channel(404, "no such thing"), 404).await;
    let ledger = stage.finish().await.published;
    assert_eq!((ledger.confirmed, ledger.refused), (29, 1), "{ledger}");
}

#[tokio::test]
async fn three_culprits_in_one_burst_are_found_all() {
    let stage = search(&[0, 16, 29], |at| at.close_channel(403, "not you"), 403).await;
    assert_eq!(stage.finish().await.published.refused, 3);
}

#[tokio::test]
async fn a_connection_closed_because_of_a_publish_starts_the_search_too() {
    let stage = search(&[5], |at| at.close_connection(501, "what is this"), 501).await;
    assert_eq!(stage.finish().await.published.refused, 1);
}

#[tokio::test]
async fn a_link_that_dies_with_the_same_oldest_message_twice_starts_the_search_too() {
    let stage = search(&[0], Script::cut, 0).await;
    assert_eq!(stage.finish().await.published.refused, 1);
}

#[tokio::test]
async fn during_the_search_one_message_at_a_time_is_on_the_channel() {
    let stage = Stage::start("").await;
    stage
        .broker
        .on_publish()
        .with_key("poison")
        .every_time()
        .close_channel(404, "no");
    stage
        .broker
        .on_publish()
        .with_key("in")
        .times(9)
        .hold_confirm();
    let mut pending = Vec::new();
    for n in 0..10 {
        let key = if n == 9 { "poison" } else { "in" };
        pending.push(stage.send(key, &n.to_string()).enqueue().await.unwrap());
    }
    for (n, pending) in pending.into_iter().enumerate() {
        assert_eq!(ends("an end", pending).await.is_err(), n == 9);
    }
    let mut on_the_channel = 0;
    let mut searching = false;
    for one in stage.record().events() {
        match one.event {
            Event::ChannelClosed { .. } => (searching, on_the_channel) = (true, 0),
            Event::Published { .. } if searching => on_the_channel += 1,
            Event::Confirmed { .. } if searching => on_the_channel -= 1,
            _ => {}
        }
        assert!(on_the_channel <= 1, "two suspects at once");
    }
    assert!(searching);
    stage.finish().await;
}

/// Even without sending again the one that the broker named by elimination is known: it was alone.
#[tokio::test]
async fn with_resend_never_a_culprit_that_was_alone_is_refused() {
    let stage = Stage::start("  template: { resend: never }\n").await;
    let error = stage
        .template()
        .send("missing", "in", Message::new("a"))
        .message_id("a");
    let error = ends("an end", error.into_future()).await.unwrap_err();
    assert_eq!(error.kind(), CULPRIT);
    let closed = |event: &Event| matches!(event, Event::ChannelClosed { .. });
    assert_eq!(stage.record().count(closed), 1, "it was not sent again");
    stage.finish().await;
}
