//! The end of a template: drained, then told by id.

use std::future::IntoFuture;
use std::time::Duration;

use futures_util::FutureExt;

use crate::message::Message;
use crate::template::{PublishErrorKind, RefusedReason, TemplateSettings};
use crate::time::Deadline;

use super::fake::{rig, socket_lost};

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_what_is_in_flight() {
    let rig = rig(TemplateSettings::default());
    let channel = rig.source.channel(0).await;
    let pending = rig.enqueue("a").await;
    channel.seen(1).await;
    let template = rig.template.clone();
    let stopping = tokio::spawn(async move {
        template
            .stop(Deadline::after(Duration::from_secs(30)))
            .await
    });
    tokio::task::yield_now().await;
    let refused = rig.template.send("e", "k", Message::new("late")).await;
    assert_eq!(
        refused.unwrap_err().kind(),
        PublishErrorKind::Refused(RefusedReason::ShuttingDown)
    );
    channel.ack(&["a"]);
    assert!(pending.await.is_ok());
    assert!(stopping.await.unwrap().is_empty());
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_of_a_stop_everything_left_is_told_and_named() {
    let rig = rig(TemplateSettings::default());
    let first = rig.source.channel(0).await;
    let sent = rig.enqueue("sent").await;
    first.seen(1).await;
    rig.source.set_up(false);
    first.end(&socket_lost(), &[]);
    tokio::task::yield_now().await;
    let never_sent = rig.enqueue("never sent").await;
    let left = rig
        .template
        .stop(Deadline::after(Duration::from_secs(1)))
        .await;
    let refused = PublishErrorKind::Refused(RefusedReason::ShuttingDown);
    let kinds = left
        .iter()
        .map(|publish| (&*publish.message_id, publish.kind));
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [("sent", PublishErrorKind::Unknown), ("never sent", refused)]
    );
    let told: Vec<_> = left.iter().map(ToString::to_string).collect();
    assert!(told[0].contains("look for it by this id"), "{told:?}");
    assert!(told[1].contains("nothing was sent"), "{told:?}");
    assert!(!told[1].contains("unknown"), "{told:?}");
    assert_eq!(sent.await.unwrap_err().kind(), PublishErrorKind::Unknown);
    assert_eq!(never_sent.await.unwrap_err().kind(), refused);
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_is_refused_by_a_stop() {
    let mut settings = TemplateSettings::default();
    settings.window_messages = 1;
    let rig = rig(settings);
    let first = rig.enqueue("first").await;
    let mut waiting = rig
        .template
        .send("e", "k", Message::new("waiting"))
        .into_future();
    assert!((&mut waiting).now_or_never().is_none());
    let left = rig.template.abandon("an early return in main");
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].message_id, "first");
    let error = waiting.await.unwrap_err();
    assert_eq!(
        error.kind(),
        PublishErrorKind::Refused(RefusedReason::ShuttingDown)
    );
    let error = first.await.unwrap_err();
    assert!(error.cause().contains("early return"), "{error}");
    rig.assert_at_rest();
}

#[test]
fn when_the_runtime_ends_nobody_hangs() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (pending, rig) = runtime.block_on(async {
        let rig = rig(TemplateSettings::default());
        let channel = rig.source.channel(0).await;
        let pending = rig.enqueue("a").await;
        channel.seen(1).await;
        (pending, rig)
    });
    drop(runtime);
    let error = FutureExt::now_or_never(pending)
        .expect("told when the runtime went")
        .unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Unknown);
    assert!(rig.template.counts().adds_up());
}
