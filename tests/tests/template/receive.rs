//! One message from a queue, on request.

use std::future::IntoFuture;
use std::time::Duration;

use rmq_core::message::Message;
use rmq_core::name::Name;
use rmq_core::template::ReceiveErrorKind;
use rmq_tests::broker::{Release, announced};

use crate::support::{Rig, ends, on_both};

async fn put(rig: &Rig, queue: &Name, body: &'static str) {
    let message = Message::new(body).with_content_type("application/json");
    let publish = rig.template.send("", queue.clone(), message);
    ends("a verdict", publish.into_future()).await.unwrap();
}

async fn a_received_message_is_the_brokers_until_it_is_acknowledged(release: Release) {
    let broker = announced(release).unwrap();
    let rig = Rig::start(broker.address()).await;
    let (_, queue) = rig.bound("in", Vec::new()).await;
    assert!(rig.template.receive(queue.clone()).await.unwrap().is_none());
    put(&rig, &queue, "1").await;
    for timeout in [Duration::ZERO, Duration::from_secs(30)] {
        let received = rig.template.receive_timeout(queue.clone(), timeout);
        let received = ends("a message", received).await.unwrap().unwrap();
        assert_eq!(received.message().body(), "1");
        drop(received);
        // Dropped unsettled it is back, and comes again.
        let received = rig
            .template
            .receive_timeout(queue.clone(), Duration::from_secs(30));
        let received = ends("it again", received).await.unwrap().unwrap();
        assert!(received.delivery().redelivered());
        received.requeue().unwrap();
    }
    let received = rig
        .template
        .receive_timeout(queue.clone(), Duration::from_secs(30));
    let received = ends("it once more", received).await.unwrap().unwrap();
    assert_eq!(received.ack().unwrap().body(), "1");
    let none = rig
        .template
        .receive_timeout(queue.clone(), Duration::from_millis(50));
    assert!(ends("nothing", none).await.unwrap().is_none());
    rig.finish().await;
}

async fn a_received_value_is_acknowledged_and_one_that_cannot_be_read_is_in_the_error(
    release: Release,
) {
    let broker = announced(release).unwrap();
    let rig = Rig::start(broker.address()).await;
    let (_, queue) = rig.bound("in", Vec::new()).await;
    put(&rig, &queue, "7").await;
    let value = rig.template.receive_and_convert::<u32>(queue.clone());
    assert_eq!(ends("a value", value).await.unwrap(), Some(7));

    put(&rig, &queue, "\"seven\"").await;
    let value = rig.template.receive_and_convert::<u32>(queue.clone());
    let error = ends("an error", value).await.unwrap_err();
    assert_eq!(error.kind(), ReceiveErrorKind::Conversion);
    let received = error.into_received().unwrap();
    assert_eq!(received.message().body(), "\"seven\"");
    received.reject().unwrap();
    assert!(rig.template.receive(queue.clone()).await.unwrap().is_none());
    rig.finish().await;
}

async fn a_receive_from_no_queue_takes_nobody_elses_message_with_it(release: Release) {
    let broker = announced(release).unwrap();
    let rig = Rig::start(broker.address()).await;
    let (_, queue) = rig.bound("in", Vec::new()).await;
    put(&rig, &queue, "1").await;
    let held = rig.template.receive(queue.clone()).await.unwrap().unwrap();
    for timeout in [Duration::ZERO, Duration::from_secs(1)] {
        let error = rig.template.receive_timeout("no-such-queue", timeout);
        let error = ends("an error", error).await.unwrap_err();
        assert_eq!(error.kind(), ReceiveErrorKind::NoSuchQueue, "{error}");
    }
    assert!(held.ack().is_ok());
    let unnamed = rig.template.receive_default().await.unwrap_err();
    assert_eq!(unnamed.kind(), ReceiveErrorKind::NoQueueNamed);
    rig.finish().await;
}

async fn a_receive_that_is_dropped_while_it_waits_loses_nothing(release: Release) {
    let broker = announced(release).unwrap();
    let rig = Rig::start(broker.address()).await;
    let (_, queue) = rig.bound("in", Vec::new()).await;
    for n in 0..20 {
        let wait = Duration::from_micros(n * 300);
        let receive = rig
            .template
            .receive_timeout(queue.clone(), Duration::from_secs(30));
        let _dropped = tokio::time::timeout(wait, receive).await.is_err();
    }
    put(&rig, &queue, "1").await;
    for n in 0..20 {
        let wait = Duration::from_micros(n * 300);
        let receive = rig
            .template
            .receive_timeout(queue.clone(), Duration::from_secs(30));
        if let Ok(received) = tokio::time::timeout(wait, receive).await {
            received.unwrap().unwrap().requeue().unwrap();
        }
    }
    let received = rig
        .template
        .receive_timeout(queue.clone(), Duration::from_secs(60));
    let received = ends("the message", received).await.unwrap().unwrap();
    received.ack().unwrap();
    rig.finish().await;
}

on_both! {
    a_received_message_is_the_brokers_until_it_is_acknowledged,
    a_received_value_is_acknowledged_and_one_that_cannot_be_read_is_in_the_error,
    a_receive_from_no_queue_takes_nobody_elses_message_with_it,
    a_receive_that_is_dropped_while_it_waits_loses_nothing,
}
