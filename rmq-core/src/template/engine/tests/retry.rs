//! `template.retry.enabled`.

use std::time::Duration;

use crate::template::{PublishErrorKind, RefusedReason, RetrySettings, TemplateSettings};

use super::fake::{Say, no_exchange, rig, too_large};

fn retrying() -> TemplateSettings {
    TemplateSettings {
        retry: Some(RetrySettings {
            max_retries: 2,
            ..RetrySettings::default()
        }),
        ..TemplateSettings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_nacked_message_goes_again_and_is_marked() {
    let rig = rig(retrying());
    let channel = rig.source.channel(0).await;
    let pending = rig.enqueue("a").await;
    channel.seen(1).await;
    channel.say(&[("a", Say::Nack)]);
    channel.seen(2).await;
    channel.ack(&["a"]);
    let confirmed = pending.await.unwrap();
    assert_eq!(confirmed.attempts(), 2);
    assert!(confirmed.possible_duplicate());
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn retries_end_with_the_last_verdict() {
    let rig = rig(retrying());
    let channel = rig.source.channel(0).await;
    let pending = rig.enqueue("a").await;
    for attempt in 1..=3 {
        channel.seen(attempt).await;
        channel.say(&[("a", Say::Nack)]);
    }
    let error = pending.await.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Nacked);
    assert_eq!(error.attempts(), 3);
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_missing_exchange_may_appear_and_a_body_over_the_limit_never_fits() {
    let rig = rig(retrying());
    let pending = rig.enqueue("a").await;
    let first = rig.source.channel(0).await;
    first.seen(1).await;
    first.end(&no_exchange(), &[]);
    let second = rig.source.channel(1).await;
    second.seen(1).await;
    second.ack(&["a"]);
    assert_eq!(pending.await.unwrap().attempts(), 2);

    let large = rig.enqueue("large").await;
    second.seen(2).await;
    second.end(&too_large(), &[]);
    let error = large.await.unwrap_err();
    assert_eq!(
        error.kind(),
        PublishErrorKind::Refused(RefusedReason::Broker)
    );
    assert_eq!(error.attempts(), 1);
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_pauses_at_the_stop_ends_with_the_verdict_it_had() {
    let rig = rig(retrying());
    let channel = rig.source.channel(0).await;
    let pending = rig.enqueue("a").await;
    channel.seen(1).await;
    channel.say(&[("a", Say::Nack)]);
    let deadline = crate::time::Deadline::after(Duration::from_millis(10));
    let left = rig.template.stop(deadline).await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].message_id, "a");
    assert_eq!(left[0].kind, PublishErrorKind::Nacked);
    assert!(
        left[0].to_string().contains("others may hold it"),
        "{left:?}"
    );
    assert_eq!(pending.await.unwrap_err().kind(), PublishErrorKind::Nacked);
    rig.assert_at_rest();
}
