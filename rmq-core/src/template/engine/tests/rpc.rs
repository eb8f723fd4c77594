//! Requests over direct reply-to.

use std::pin::pin;
use std::time::Duration;

use futures_util::poll;

use crate::template::{PublishErrorKind, RequestErrorKind, TemplateSettings};

use super::fake::{FakeChannel, Rig, Say, reply_to, rig, socket_lost};

fn ask(rig: &Rig) -> tokio::task::JoinHandle<Result<u32, crate::template::RequestError>> {
    let template = rig.template.clone();
    tokio::spawn(async move {
        template
            .convert_send_and_receive("e", "k", "question")
            .await
    })
}

/// The correlation id and message id of the request that reached the channel.
async fn request(channel: &FakeChannel, index: usize) -> (String, String) {
    let seen = channel.seen(index + 1).await.remove(index);
    let properties = seen.message.properties();
    assert_eq!(properties.reply_to(), Some("amq.rabbitmq.reply-to"));
    (properties.correlation_id().unwrap().to_owned(), seen.id)
}

#[tokio::test(start_paused = true)]
async fn a_reply_reaches_its_request_before_or_behind_the_confirm() {
    let rig = rig(TemplateSettings::default());
    let channel = rig.source.channel(0).await;
    let behind = ask(&rig);
    let replies = channel.replies().await;
    let (correlation, id) = request(&channel, 0).await;
    channel.ack(&[&id]);
    replies.deliver(&mut vec![reply_to(&correlation, "42")]);
    assert_eq!(behind.await.unwrap().unwrap(), 42);

    let before = ask(&rig);
    let (correlation, id) = request(&channel, 1).await;
    replies.deliver(&mut vec![reply_to(&correlation, "43")]);
    assert_eq!(before.await.unwrap().unwrap(), 43);
    channel.ack(&[&id]);
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_reply_ends_at_the_reply_timeout_and_a_late_reply_is_counted() {
    let rig = rig(TemplateSettings::default());
    let channel = rig.source.channel(0).await;
    let started = tokio::time::Instant::now();
    let asked = ask(&rig);
    let replies = channel.replies().await;
    let (correlation, id) = request(&channel, 0).await;
    channel.ack(&[&id]);
    let error = asked.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), RequestErrorKind::Timeout);
    assert_eq!(started.elapsed(), Duration::from_secs(5));
    replies.deliver(&mut vec![reply_to(&correlation, "42")]);
    assert_eq!(rig.template.counts().late_replies, 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_no_queue_takes_says_so_at_once() {
    let rig = rig(TemplateSettings::default());
    let channel = rig.source.channel(0).await;
    let asked = ask(&rig);
    let (_, id) = request(&channel, 0).await;
    channel.say(&[(&id, Say::Return)]);
    let error = asked.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), RequestErrorKind::Publish);
    assert_eq!(
        error.publish_error().unwrap().kind(),
        PublishErrorKind::Returned
    );
}

#[tokio::test(start_paused = true)]
async fn a_confirmed_request_whose_channel_ends_is_told_and_an_unconfirmed_one_goes_again() {
    let rig = rig(TemplateSettings::default());
    let first = rig.source.channel(0).await;
    let lost = ask(&rig);
    let (_, id) = request(&first, 0).await;
    first.ack(&[&id]);
    tokio::time::sleep(Duration::from_millis(1)).await;
    let again = ask(&rig);
    request(&first, 1).await;
    first.end(&socket_lost(), &[]);
    assert_eq!(
        lost.await.unwrap().unwrap_err().kind(),
        RequestErrorKind::ReplyLost
    );
    let second = rig.source.channel(1).await;
    let replies = second.replies().await;
    let (correlation, id) = request(&second, 0).await;
    second.ack(&[&id]);
    replies.deliver(&mut vec![reply_to(&correlation, "7")]);
    assert_eq!(again.await.unwrap().unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_channel_ends_before_its_task_sees_the_confirm_is_told_too() {
    let rig = rig(TemplateSettings::default());
    let first = rig.source.channel(0).await;
    let mut asked = pin!(
        rig.template
            .convert_send_and_receive::<_, u32>("e", "k", "question")
    );
    assert!(poll!(&mut asked).is_pending());
    first.replies().await;
    assert!(poll!(&mut asked).is_pending());
    let (_, id) = request(&first, 0).await;
    first.ack(&[&id]);
    first.end(&socket_lost(), &[]);
    rig.source.channel(1).await.replies().await;
    assert_eq!(
        asked.await.unwrap_err().kind(),
        RequestErrorKind::ReplyLost,
        "and not the deadline's"
    );
}

#[tokio::test(start_paused = true)]
async fn a_blocked_broker_is_not_asked_for_a_consumer_of_replies() {
    let rig = rig(TemplateSettings::default());
    let channel = rig.source.channel(0).await;
    rig.source.set_blocked(true);
    let asked = ask(&rig);
    assert_eq!(
        asked.await.unwrap().unwrap_err().kind(),
        RequestErrorKind::NotSent
    );
    assert!(!channel.consumes_replies());
    let asked = ask(&rig);
    tokio::task::yield_now().await;
    rig.source.set_blocked(false);
    let replies = channel.replies().await;
    let (correlation, id) = request(&channel, 0).await;
    channel.ack(&[&id]);
    replies.deliver(&mut vec![reply_to(&correlation, "8")]);
    assert_eq!(asked.await.unwrap().unwrap(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_cannot_be_read_is_in_the_error() {
    let rig = rig(TemplateSettings::default());
    let channel = rig.source.channel(0).await;
    let asked = ask(&rig);
    let replies = channel.replies().await;
    let (correlation, _) = request(&channel, 0).await;
    replies.deliver(&mut vec![reply_to(&correlation, "\"no number\"")]);
    let error = asked.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), RequestErrorKind::Conversion);
    assert_eq!(error.reply().unwrap().body(), "\"no number\"");
}
