//! Faults that only a scripted broker has: confirms that never come, links cut at the worst moment.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use rmq_core::message::Message;
use rmq_core::template::{PublishErrorKind, RefusedReason, TemplateSettings};
use rmq_core::transport::Target;
use rmq_embedded::EmbeddedBroker;

use crate::support::{Rig, ends, kind};

async fn embedded(settings: TemplateSettings) -> (Arc<EmbeddedBroker>, Rig) {
    let broker = Arc::new(EmbeddedBroker::start().await.unwrap());
    let pipes = Arc::clone(&broker);
    let target = Target::Memory(Arc::new(move || Some(pipes.connect())));
    let rig = Rig::with(target, settings).await;
    (broker, rig)
}

fn short() -> TemplateSettings {
    TemplateSettings {
        confirm_timeout: Duration::from_millis(300),
        ..TemplateSettings::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirm_that_never_comes_on_a_live_channel_is_unknown_at_the_deadline() {
    let (broker, rig) = embedded(short()).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    let fault = broker.on_publish().hold_confirm();
    let held = rig.template.send(exchange.clone(), "in", Message::new("x"));
    let held = ends("its deadline", held.into_future()).await;
    assert_eq!(kind(&held), Some(PublishErrorKind::Unknown));
    assert!(held.unwrap_err().into_message().is_some());
    assert_eq!(fault.fired(), 1);
    assert_eq!(rig.template.window_used(), 1, "it keeps its slot");
    // The channel lives on: the next one is confirmed.
    let next = rig.template.send(exchange, "in", Message::new("y"));
    assert!(ends("a verdict", next.into_future()).await.is_ok());
    broker.release_confirms();
    while rig.template.counts().late_verdicts == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(rig.count(&queue).await, 2);
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_confirm_comes_any_more_the_channel_is_replaced() {
    let settings = TemplateSettings {
        window_messages: 4,
        ..short()
    };
    let (broker, rig) = embedded(settings).await;
    let (exchange, _) = rig.bound("in", Vec::new()).await;
    let fault = broker.on_publish().times(2).withhold_confirm();
    let send = || rig.template.send(exchange.clone(), "in", Message::new("x"));
    for end in ends("both", rig.template.send_all([send(), send()])).await {
        assert_eq!(kind(&end), Some(PublishErrorKind::Unknown));
    }
    assert_eq!(fault.fired(), 2);
    while rig.template.window_used() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(ends("a verdict", send().into_future()).await.is_ok());
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_cut_after_the_message_was_stored_gives_a_marked_copy() {
    let (broker, rig) = embedded(TemplateSettings::default()).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    let fault = broker.on_publish().cut_after_storing();
    let publish = rig.template.send(exchange, "in", Message::new("x"));
    let confirmed = ends("a verdict", publish.into_future()).await.unwrap();
    assert_eq!(fault.fired(), 1);
    assert_eq!(confirmed.attempts(), 2);
    assert!(confirmed.possible_duplicate());
    assert_eq!(broker.ready_count(&queue), Some(2));
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_cut_between_return_and_ack_ends_as_returned() {
    let (broker, rig) = embedded(TemplateSettings::default()).await;
    let (exchange, _) = rig.bound("in", Vec::new()).await;
    let fault = broker.on_publish().cut_after_return();
    let publish = rig.template.send(exchange, "nowhere", Message::new("x"));
    let end = ends("an end", publish.into_future()).await;
    assert_eq!(fault.fired(), 1);
    assert_eq!(kind(&end), Some(PublishErrorKind::Returned));
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_ends_the_connection_each_time_is_refused_and_its_neighbours_confirmed() {
    let (broker, rig) = embedded(TemplateSettings::default()).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    let fault = broker.on_publish().with_key("poison").every_time().cut();
    let mut pending = Vec::new();
    for n in 0..50 {
        let key = if n == 0 { "poison" } else { "in" };
        let publish = rig.template.send(exchange.clone(), key, Message::new("x"));
        pending.push(ends("room", publish.enqueue()).await.unwrap());
    }
    for (n, pending) in pending.into_iter().enumerate() {
        let end = ends("an end", pending).await;
        let wanted = (n == 0).then_some(PublishErrorKind::Refused(RefusedReason::Broker));
        assert_eq!(kind(&end), wanted, "message {n}");
    }
    assert!(fault.fired() >= 3);
    assert!(broker.ready_count(&queue) >= Some(49));
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_window_is_back_pressure_with_a_deadline() {
    let settings = TemplateSettings {
        window_messages: 2,
        window_timeout: Duration::from_millis(200),
        ..TemplateSettings::default()
    };
    let (broker, rig) = embedded(settings).await;
    let (exchange, _) = rig.bound("in", Vec::new()).await;
    broker.on_publish().times(2).hold_confirm();
    let send = || rig.template.send(exchange.clone(), "in", Message::new("x"));
    let first = send().enqueue().await.unwrap();
    let second = send().enqueue().await.unwrap();
    let third = ends("a refusal", send().into_future()).await;
    assert_eq!(
        kind(&third),
        Some(PublishErrorKind::Refused(RefusedReason::WindowFull))
    );
    let waiting = tokio::spawn(send().into_future());
    broker.release_confirms();
    for pending in [first, second] {
        assert!(ends("a verdict", pending).await.is_ok());
    }
    assert!(ends("a verdict", waiting).await.unwrap().is_ok());
    rig.finish().await;
}
