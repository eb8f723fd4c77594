//! Messages whose verdict does not come.

use std::time::Duration;

use tokio::time::Instant;

use crate::template::{PublishErrorKind, RefusedReason, TemplateSettings};

use super::fake::{rig, socket_lost};

#[tokio::test(start_paused = true)]
async fn without_a_verdict_a_message_is_unknown_at_its_deadline_and_keeps_its_slot() {
    let rig = rig(TemplateSettings::default());
    let channel = rig.source.channel(0).await;
    let started = Instant::now();
    let pending = rig.enqueue("a").await;
    channel.seen(1).await;
    let error = pending.await.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Unknown);
    assert_eq!(started.elapsed().as_secs_f64().round(), 60.0);
    assert_eq!(error.message().unwrap().body(), "body of a");
    assert_eq!(rig.template.window_used(), 1, "its slot is still taken");
    let counts = rig.template.counts();
    assert_eq!((counts.unknown, counts.in_flight), (1, 0));

    channel.ack(&["a"]);
    let counts = rig.template.counts();
    assert_eq!(
        (counts.unknown, counts.confirmed, counts.late_verdicts),
        (1, 0, 1),
        "a late verdict is counted and changes nothing told"
    );
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn an_expired_body_leaves_the_window_at_once() {
    let mut settings = TemplateSettings::default();
    settings.window_bytes = 10;
    let rig = rig(settings);
    let message = crate::message::Message::new("0123456789");
    let full = rig.template.send("e", "k", message).enqueue().await;
    assert_eq!(
        full.unwrap().await.unwrap_err().kind(),
        PublishErrorKind::Unknown
    );
    let next = rig.enqueue("next").await;
    assert_eq!(rig.template.window_used(), 2);
    let channel = rig.source.channel(0).await;
    channel.seen(2).await;
    channel.ack(&["next"]);
    assert!(next.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_message_never_sent_is_refused_at_its_deadline_and_not_unknown() {
    let rig = rig(TemplateSettings::default());
    let channel = rig.source.channel(0).await;
    rig.source.set_up(false);
    channel.end(&socket_lost(), &[]);
    let error = rig.enqueue("a").await.await.unwrap_err();
    assert_eq!(
        error.kind(),
        PublishErrorKind::Refused(RefusedReason::NotConnected)
    );
    assert!(error.is_transient());
    assert!(!error.possible_duplicate());
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn when_half_the_window_has_expired_the_channel_is_replaced_and_the_rest_sent_again() {
    let mut settings = TemplateSettings::default();
    settings.window_messages = 4;
    let rig = rig(settings);
    let first = rig.source.channel(0).await;
    let old = rig.enqueue_all(&["a", "b"]).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let young = rig.enqueue("c").await;
    first.seen(3).await;
    for pending in old {
        assert_eq!(pending.await.unwrap_err().kind(), PublishErrorKind::Unknown);
    }
    let second = rig.source.channel(1).await;
    assert!(first.is_closed());
    second.seen(1).await;
    assert_eq!(second.ids(), ["c"]);
    second.ack(&["c"]);
    let confirmed = young.await.unwrap();
    assert_eq!(confirmed.attempts(), 2);
    assert!(confirmed.possible_duplicate());
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn one_that_expires_below_half_the_window_leaves_the_channel_alone() {
    let mut settings = TemplateSettings::default();
    settings.window_messages = 4;
    let rig = rig(settings);
    let channel = rig.source.channel(0).await;
    let mut stuck = std::pin::pin!(rig.enqueue("stuck").await);
    // Others are confirmed meanwhile: the channel is not silent.
    for n in 0..7 {
        let id = format!("other {n}");
        let other = rig.enqueue(&id).await;
        channel.seen(n + 2).await;
        channel.ack(&[&id]);
        assert!(other.await.is_ok());
        tokio::time::sleep(Duration::from_secs(9)).await;
    }
    assert!(stuck.as_mut().await.is_err());
    assert!(!channel.is_closed());
    let next = rig.enqueue("next").await;
    channel.seen(9).await;
    channel.ack(&["next"]);
    assert!(next.await.is_ok());
    assert_eq!(rig.source.leased(), 1);
}

#[tokio::test(start_paused = true)]
async fn resending_ends_at_the_deadline() {
    let rig = rig(TemplateSettings::default());
    let started = Instant::now();
    let pending = rig.enqueue("a").await;
    let first = rig.source.channel(0).await;
    first.seen(1).await;
    rig.source.set_up(false);
    first.end(&socket_lost(), &[]);
    let error = pending.await.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Unknown);
    assert_eq!(started.elapsed().as_secs_f64().round(), 60.0);
    assert!(error.cause().contains("the socket ended"), "{error}");
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_channel_on_which_nothing_is_heard_is_replaced_in_time_for_another_try() {
    let rig = rig(TemplateSettings {
        silence_timeout: Some(Duration::from_secs(15)),
        ..TemplateSettings::default()
    });
    let started = Instant::now();
    let pending = rig.enqueue_all(&["a", "b"]).await;
    let first = rig.source.channel(0).await;
    first.seen(2).await;
    let second = rig.source.channel(1).await;
    second.seen(2).await;
    assert_eq!(started.elapsed().as_secs_f64().round(), 15.0);
    assert_eq!(second.ids(), ["a", "b"]);
    second.ack(&["a", "b"]);
    for pending in pending {
        let confirmed = pending.await.unwrap();
        assert_eq!(confirmed.attempts(), 2);
        assert!(confirmed.possible_duplicate());
    }
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_silent_channel_is_replaced_also_when_all_on_it_was_sent_before() {
    let rig = rig(TemplateSettings {
        silence_timeout: Some(Duration::from_secs(15)),
        ..TemplateSettings::default()
    });
    let pending = rig.enqueue("a").await;
    let first = rig.source.channel(0).await;
    first.seen(1).await;
    rig.source.set_up(false);
    first.end(&socket_lost(), &[]);
    // Longer than the patience: what rang for the first channel rings while there is none.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let started = Instant::now();
    rig.source.set_up(true);
    rig.source.channel(1).await.seen(1).await;
    let third = rig.source.channel(2).await;
    third.seen(1).await;
    assert_eq!(started.elapsed().as_secs_f64().round(), 15.0);
    third.ack(&["a"]);
    assert_eq!(pending.await.unwrap().attempts(), 3);
    rig.assert_at_rest();
}
