//! Finding the message that closes channels, so that no neighbour pays for it.

use std::collections::HashSet;

use crate::template::{PendingConfirm, PublishErrorKind, RefusedReason, TemplateSettings};
use crate::transport::CloseCause;

use super::fake::{FakeChannel, Rig, connection_error, no_exchange, rig, socket_lost, too_large};

/// Plays the broker on every channel: closes it when it meets one of `bad`, acks every other message.
async fn play(rig: &Rig, bad: &HashSet<String>, cause: &CloseCause, until_acked: usize) -> usize {
    let mut acked = 0;
    let mut most_together = 0;
    for index in 0.. {
        let channel = rig.source.channel(index).await;
        let mut handled = 0;
        loop {
            if acked >= until_acked && handled == channel.ids().len() {
                return most_together;
            }
            let seen = channel.seen(handled + 1).await;
            most_together = most_together.max(channel.unsettled().len());
            let id = seen[handled].id.clone();
            handled += 1;
            if bad.contains(&id) {
                channel.end(cause, &[]);
                break;
            }
            // A quorum queue acks late: messages around the culprit are in it, and unconfirmed.
            if index > 0 {
                channel.ack(&[&id]);
                acked += 1;
            }
        }
    }
    most_together
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("m{n:04}")).collect()
}

async fn enqueue(rig: &Rig, ids: &[String]) -> Vec<PendingConfirm> {
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    rig.enqueue_all(&ids).await
}

async fn every_neighbour_is_confirmed(bad: &[usize], cause: CloseCause, reply: u16) {
    let rig = rig(TemplateSettings::default());
    let ids = names(200);
    // Everything is in flight when the first channel closes.
    rig.source.set_up(false);
    let pending = enqueue(&rig, &ids).await;
    rig.source.set_up(true);
    let bad: HashSet<String> = bad.iter().map(|n| ids[*n].clone()).collect();
    play(&rig, &bad, &cause, ids.len() - bad.len()).await;
    for pending in pending {
        let id = pending.message_id().to_owned();
        match pending.await {
            Ok(confirmed) => {
                assert!(!bad.contains(confirmed.message_id()), "{id}");
            }
            Err(error) => {
                assert!(bad.contains(&id), "a neighbour paid: {error}");
                assert_eq!(
                    error.kind(),
                    PublishErrorKind::Refused(RefusedReason::Broker)
                );
                assert_eq!(error.reply().map(|(code, _)| code), Some(reply));
                assert!(error.message().is_some());
            }
        }
    }
    let counts = rig.template.counts();
    assert_eq!(counts.refused, bad.len() as u64);
    assert_eq!(counts.confirmed, (ids.len() - bad.len()) as u64);
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_publish_to_a_missing_exchange_ends_refused_and_its_neighbours_confirmed() {
    every_neighbour_is_confirmed(&[100], no_exchange(), 404).await;
}

#[tokio::test(start_paused = true)]
async fn three_culprits_in_one_burst_are_all_found() {
    every_neighbour_is_confirmed(&[0, 100, 199], no_exchange(), 404).await;
}

#[tokio::test(start_paused = true)]
async fn two_culprits_side_by_side_are_both_found() {
    every_neighbour_is_confirmed(&[50, 51], no_exchange(), 404).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_above_the_brokers_limit_ends_refused_and_its_neighbours_confirmed() {
    every_neighbour_is_confirmed(&[7], too_large(), 406).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_error_that_names_a_publish_is_searched_like_a_channel_error() {
    every_neighbour_is_confirmed(&[3], connection_error(), 501).await;
}

#[tokio::test(start_paused = true)]
async fn suspects_go_one_at_a_time_until_the_culprit_is_found() {
    let rig = rig(TemplateSettings::default());
    let pending = rig.enqueue_all(&["a", "b", "bad", "c", "d"]).await;
    let first = rig.source.channel(0).await;
    first.seen(5).await;
    first.end(&no_exchange(), &[]);
    let second = rig.source.channel(1).await;
    for id in ["a", "b", "bad"] {
        let alone = |channel: &FakeChannel| channel.unsettled();
        second.seen(second.ids().len().max(1)).await;
        wait_for(&second, id).await;
        assert_eq!(alone(&second), [id], "alone in flight");
        if id == "bad" {
            second.end(&no_exchange(), &[]);
        } else {
            second.ack(&[id]);
        }
    }
    let third = rig.source.channel(2).await;
    third.seen(2).await;
    assert_eq!(third.ids(), ["c", "d"], "the rest goes together");
    third.ack(&["c", "d"]);
    let mut refused = Vec::new();
    for pending in pending {
        if let Err(error) = pending.await {
            refused.push(error.message_id().to_owned());
        }
    }
    assert_eq!(refused, ["bad"]);
    rig.assert_at_rest();
}

async fn wait_for(channel: &FakeChannel, id: &str) {
    let mut count = 1;
    while !channel.seen(count).await.iter().any(|seen| seen.id == id) {
        count += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn the_only_message_in_flight_is_the_culprit_at_once() {
    let rig = rig(TemplateSettings::default());
    let pending = rig.enqueue("bad").await;
    let channel = rig.source.channel(0).await;
    channel.seen(1).await;
    channel.end(&no_exchange(), &[]);
    let error = pending.await.unwrap_err();
    assert_eq!(error.attempts(), 1);
    assert_eq!(error.code(), "RMQ-PUB-REFUSED");
    assert!(!error.possible_duplicate());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_loses_every_link_is_found_and_one_that_only_met_restarts_is_not_blamed() {
    let rig = rig(TemplateSettings::default());
    let [bad, good] = <[_; 2]>::try_from(rig.enqueue_all(&["bad", "good"]).await).unwrap();
    // Twice with the same oldest message; then it goes alone, and is blamed when it loses two more links.
    for index in 0..2 {
        let channel = rig.source.channel(index).await;
        channel.seen(2).await;
        channel.end(&socket_lost(), &[]);
    }
    for index in 2..4 {
        let channel = rig.source.channel(index).await;
        channel.seen(1).await;
        tokio::task::yield_now().await;
        assert_eq!(channel.ids(), ["bad"], "alone");
        channel.end(&socket_lost(), &[]);
    }
    let error = bad.await.unwrap_err();
    assert_eq!(
        error.kind(),
        PublishErrorKind::Refused(RefusedReason::Broker)
    );
    assert!(error.possible_duplicate());
    let channel = rig.source.channel(4).await;
    channel.seen(1).await;
    channel.ack(&["good"]);
    assert!(good.await.is_ok());
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_link_lost_once_while_a_message_is_alone_is_no_proof() {
    let rig = rig(TemplateSettings::default());
    let pending = rig.enqueue("a").await;
    for index in 0..3 {
        let channel = rig.source.channel(index).await;
        channel.seen(1).await;
        channel.end(&socket_lost(), &[]);
    }
    let channel = rig.source.channel(3).await;
    channel.seen(1).await;
    channel.ack(&["a"]);
    assert_eq!(pending.await.unwrap().attempts(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_new_message_waits_while_the_culprit_is_searched() {
    let rig = rig(TemplateSettings::default());
    let old = rig.enqueue_all(&["a", "b"]).await;
    let first = rig.source.channel(0).await;
    first.seen(2).await;
    first.end(&no_exchange(), &[]);
    let second = rig.source.channel(1).await;
    second.seen(1).await;
    let new = rig.enqueue("new").await;
    second.ack(&["a"]);
    second.seen(2).await;
    assert_eq!(second.ids(), ["a", "b"]);
    second.ack(&["b"]);
    second.seen(3).await;
    assert_eq!(second.ids(), ["a", "b", "new"]);
    second.ack(&["new"]);
    for pending in old {
        assert!(pending.await.is_ok());
    }
    assert!(new.await.is_ok());
    rig.assert_at_rest();
}
