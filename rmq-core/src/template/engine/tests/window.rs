//! Back-pressure, blocked brokers, and callers who go away.

use std::future::IntoFuture;
use std::time::Duration;

use futures_util::FutureExt;

use crate::message::Message;
use crate::template::{PublishErrorKind, RefusedReason, TemplateSettings};

use super::fake::rig;

fn window_of(messages: usize) -> TemplateSettings {
    TemplateSettings {
        window_messages: messages,
        ..TemplateSettings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_window_makes_publishers_wait_and_refuses_at_the_deadline() {
    let mut settings = window_of(1);
    settings.window_timeout = Duration::from_secs(5);
    let rig = rig(settings);
    let channel = rig.source.channel(0).await;
    let first = rig.enqueue("first").await;
    let error = rig
        .template
        .send("e", "k", Message::new("second"))
        .await
        .unwrap_err();
    assert_eq!(
        error.kind(),
        PublishErrorKind::Refused(RefusedReason::WindowFull)
    );
    assert_eq!(error.message().unwrap().body(), "second");

    let template = rig.template.clone();
    let third = tokio::spawn(async move {
        let message = Message::new("third").with_message_id("third");
        template.send("e", "k", message).await
    });
    channel.seen(1).await;
    channel.ack(&["first"]);
    assert!(first.await.is_ok());
    channel.seen(2).await;
    channel.ack(&["third"]);
    assert!(third.await.unwrap().is_ok());
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_future_dropped_before_there_is_room_sends_and_counts_nothing() {
    let rig = rig(window_of(1));
    let channel = rig.source.channel(0).await;
    let first = rig.enqueue("first").await;
    let mut waiting = rig
        .template
        .send("e", "k", Message::new("never"))
        .into_future();
    assert!((&mut waiting).now_or_never().is_none());
    drop(waiting);
    channel.seen(1).await;
    channel.ack(&["first"]);
    assert!(first.await.is_ok());
    assert_eq!(rig.template.counts().sent, 1);
    assert_eq!(channel.ids().len(), 1);
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn dropping_the_callers_future_changes_nothing_for_the_message() {
    let rig = rig(TemplateSettings::default());
    let first = rig.source.channel(0).await;
    drop(rig.enqueue("a").await);
    first.seen(1).await;
    first.end(&super::fake::socket_lost(), &[]);
    let second = rig.source.channel(1).await;
    second.seen(1).await;
    second.ack(&["a"]);
    let counts = rig.template.counts();
    assert_eq!((counts.confirmed, counts.copies), (1, 1));
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_blocked_broker_makes_publishers_wait_and_refuses_at_the_deadline() {
    let mut settings = TemplateSettings::default();
    settings.window_timeout = Duration::from_secs(5);
    let rig = rig(settings);
    let channel = rig.source.channel(0).await;
    rig.source.set_blocked(true);
    let error = rig
        .template
        .send("e", "k", Message::new("x"))
        .await
        .unwrap_err();
    assert_eq!(
        error.kind(),
        PublishErrorKind::Refused(RefusedReason::Blocked)
    );
    assert!(channel.ids().is_empty());

    let template = rig.template.clone();
    let waiting = tokio::spawn(async move {
        let message = Message::new("y").with_message_id("y");
        template.send("e", "k", message).await
    });
    tokio::task::yield_now().await;
    rig.source.set_blocked(false);
    channel.seen(1).await;
    channel.ack(&["y"]);
    assert!(waiting.await.unwrap().is_ok());
    rig.assert_at_rest();
}
