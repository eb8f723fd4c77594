//! What was pending when a channel or link died.

use std::time::Duration;

use crate::template::{PublishErrorKind, ResendPolicy, TemplateSettings};

use super::fake::{Say, rig, socket_lost};

#[tokio::test(start_paused = true)]
async fn pending_messages_go_again_in_tag_order_and_before_anything_new() {
    let rig = rig(TemplateSettings::default());
    let pending = rig.enqueue_all(&["a", "b", "c", "d"]).await;
    let first = rig.source.channel(0).await;
    first.seen(4).await;
    first.ack(&["b"]);
    rig.source.set_up(false);
    first.end(&socket_lost(), &[]);
    // Sent while there is no channel: behind what was pending.
    let new = rig.enqueue("new").await;
    rig.source.set_up(true);
    let second = rig.source.channel(1).await;
    second.seen(4).await;
    assert_eq!(second.ids(), ["a", "c", "d", "new"]);
    second.ack(&["a", "c", "d", "new"]);
    for (pending, (attempts, duplicate)) in
        pending
            .into_iter()
            .zip([(2, true), (1, false), (2, true), (2, true)])
    {
        let confirmed = pending.await.unwrap();
        assert_eq!(
            (confirmed.attempts(), confirmed.possible_duplicate()),
            (attempts, duplicate),
            "{}",
            confirmed.message_id()
        );
    }
    let new = new.await.unwrap();
    assert_eq!((new.attempts(), new.possible_duplicate()), (1, false));
    assert_eq!(rig.template.counts().copies, 3);
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_return_without_its_ack_is_an_end_and_not_sent_again() {
    let rig = rig(TemplateSettings::default());
    let [a, b] = <[_; 2]>::try_from(rig.enqueue_all(&["a", "b"]).await).unwrap();
    let first = rig.source.channel(0).await;
    first.seen(2).await;
    first.end(&socket_lost(), &["a"]);
    let error = a.await.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Returned);
    let second = rig.source.channel(1).await;
    second.seen(1).await;
    assert_eq!(second.ids(), ["b"]);
    second.ack(&["b"]);
    assert!(b.await.is_ok());
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn with_resend_never_what_was_sent_is_unknown_and_what_was_not_goes_out() {
    let mut settings = TemplateSettings::default();
    settings.resend = ResendPolicy::Never;
    let rig = rig(settings);
    let sent = rig.enqueue("sent").await;
    let first = rig.source.channel(0).await;
    first.seen(1).await;
    rig.source.set_up(false);
    first.end(&socket_lost(), &[]);
    let error = sent.await.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Unknown);
    assert!(error.possible_duplicate());
    assert!(error.cause().contains("the socket ended"), "{error}");
    let waiting = rig.enqueue("waiting").await;
    rig.source.set_up(true);
    let second = rig.source.channel(1).await;
    second.seen(1).await;
    assert_eq!(second.ids(), ["waiting"]);
    second.ack(&["waiting"]);
    assert!(waiting.await.is_ok());
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn after_a_reconnect_a_return_is_tried_again_until_the_grace_time_ends() {
    let rig = rig(TemplateSettings::default());
    rig.source.channel(0).await.end(&socket_lost(), &[]);
    rig.source.reconnect();
    let channel = rig.source.channel(1).await;
    let [late, never] = <[_; 2]>::try_from(rig.enqueue_all(&["late", "never"]).await).unwrap();
    channel.seen(2).await;
    channel.say(&[("late", Say::Return), ("never", Say::Return)]);
    channel.seen(4).await;
    channel.say(&[("late", Say::Ack), ("never", Say::Return)]);
    let confirmed = late.await.unwrap();
    assert_eq!(confirmed.attempts(), 2);
    assert!(
        !confirmed.possible_duplicate(),
        "what came back is in no queue"
    );
    let ended = tokio::time::Instant::now();
    let mut again = 4;
    let mut never = std::pin::pin!(never);
    let error = loop {
        tokio::select! {
            biased;
            end = &mut never => break end.unwrap_err(),
            seen = channel.seen(again + 1) => {
                again = seen.len();
                channel.say(&[("never", Say::Return)]);
            }
        }
    };
    assert_eq!(error.kind(), PublishErrorKind::Returned);
    let grace = ended.elapsed();
    assert!(
        grace > Duration::from_secs(4) && grace < Duration::from_secs(6),
        "{grace:?}"
    );
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn without_a_reconnect_a_return_is_told_at_once() {
    let rig = rig(TemplateSettings::default());
    rig.source.channel(0).await.end(&socket_lost(), &[]);
    // The same link: only the channel was replaced.
    let channel = rig.source.channel(1).await;
    let pending = rig.enqueue("a").await;
    channel.seen(1).await;
    channel.say(&[("a", Say::Return)]);
    assert_eq!(
        pending.await.unwrap_err().kind(),
        PublishErrorKind::Returned
    );
    assert_eq!(channel.ids().len(), 1);
}
