//! What comes back over the limits of the template's connections.

use std::future::IntoFuture;
use std::time::Duration;

use rmq_core::message::{Limits, Message};
use rmq_core::template::{PublishErrorKind, ReceiveErrorKind, RequestErrorKind, TemplateSettings};
use rmq_tests::broker::{Release, announced};

use crate::requests::answer;
use crate::support::{Rig, ends, kind, on_both, tcp};

async fn rig(release: Release, body: u64) -> Rig {
    let limits = Limits {
        body,
        ..Limits::default()
    };
    let broker = announced(release).unwrap();
    Rig::with_limits(tcp(broker.address()), TemplateSettings::default(), limits).await
}

async fn a_fetched_message_over_the_limit_is_in_the_error_and_dead_lettered_intact_if_rejected(
    release: Release,
) {
    let rig = rig(release, 10).await;
    let other = Rig::start(announced(release).unwrap().address()).await;
    let (_, dead) = rig.bound("dead", Vec::new()).await;
    let route = vec![
        ("x-dead-letter-exchange", "".into()),
        ("x-dead-letter-routing-key", dead.as_str().to_owned().into()),
    ];
    let (_, queue) = rig.bound("in", route).await;
    let large = Message::new("01234567890").with_message_id("the-large-one");
    let sent = other.template.send("", queue.clone(), large.clone());
    ends("a verdict", sent.into_future()).await.unwrap();
    for timeout in [Duration::ZERO, Duration::from_secs(30)] {
        let received = rig.template.receive_timeout(queue.clone(), timeout);
        let error = ends("an error", received).await.unwrap_err();
        assert_eq!(error.kind(), ReceiveErrorKind::Incomplete);
        let words = error.to_string();
        for word in [
            "the-large-one",
            "11 bytes",
            "limit of 10",
            "whole at the broker",
        ] {
            assert!(words.contains(word), "{words}");
        }
        // Dropped, it is back.
        drop(error);
    }
    let received = rig
        .template
        .receive_timeout(queue.clone(), Duration::from_secs(30));
    let error = ends("an error", received).await.unwrap_err();
    error.into_received().unwrap().reject().unwrap();
    let received = other
        .template
        .receive_timeout(dead, Duration::from_secs(30));
    let received = ends("the dead letter", received).await.unwrap().unwrap();
    assert_eq!(received.ack().unwrap().body(), large.body());
    rig.finish().await;
    other.finish().await;
}

async fn a_message_that_comes_back_over_the_limit_is_told_as_its_sender_holds_it(release: Release) {
    let rig = rig(release, 10).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    let large = Message::new("01234567890").with_message_id("the-large-one");
    let sent = rig
        .template
        .send(exchange.clone(), "nowhere", large.clone());
    let end = ends("a verdict", sent.into_future()).await;
    assert_eq!(kind(&end), Some(PublishErrorKind::Returned));
    assert_eq!(
        end.unwrap_err().into_message().unwrap().body(),
        large.body()
    );
    // The same connection goes on.
    let next = rig.template.send(exchange, "in", Message::new("next"));
    ends("a verdict", next.into_future()).await.unwrap();
    assert_eq!(rig.purge(&queue).await, 1);
    let returns = std::sync::Arc::clone(&rig.returns);
    rig.finish().await;
    let returns = returns.lock();
    let told: Vec<_> = returns.iter().map(|one| one.message().body()).collect();
    assert_eq!(told, [large.body()]);
}

async fn a_reply_over_the_limit_fails_its_request_and_no_other(release: Release) {
    let rig = rig(release, 1).await;
    let other = Rig::start(announced(release).unwrap().address()).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    let answering = answer(&other, &queue).await;
    let request = rig
        .template
        .convert_send_and_receive::<_, u32>(exchange.clone(), "in", &5);
    let error = ends("an error", request).await.unwrap_err();
    assert_eq!(error.kind(), RequestErrorKind::ReplyIncomplete);
    assert!(
        error.to_string().contains("2 bytes, over the limit of 1"),
        "{error}"
    );
    let request = rig
        .template
        .convert_send_and_receive::<_, u32>(exchange, "in", &4);
    assert_eq!(ends("a reply", request).await.unwrap(), 8);
    answering.abort();
    rig.finish().await;
    other.finish().await;
}

on_both! {
    a_fetched_message_over_the_limit_is_in_the_error_and_dead_lettered_intact_if_rejected,
    a_message_that_comes_back_over_the_limit_is_told_as_its_sender_holds_it,
    a_reply_over_the_limit_fails_its_request_and_no_other,
}
