//! A full window on a real broker: back-pressure, with a deadline.

use std::future::IntoFuture;
use std::time::Duration;

use rmq_core::message::Message;
use rmq_core::name::Name;
use rmq_core::template::{Publish, PublishErrorKind, RefusedReason, TemplateSettings};
use rmq_tests::broker::{Release, announced};

use crate::relay::Relay;
use crate::support::{LONG, Rig, ends, kind, on_both};

const WINDOW: usize = 8;

fn settings(window_timeout: Duration) -> TemplateSettings {
    TemplateSettings {
        window_messages: WINDOW,
        window_timeout,
        ..TemplateSettings::default()
    }
}

fn publish(rig: &Rig, exchange: &Name, id: usize) -> Publish {
    let message = Message::new("x").with_message_id(format!("m{id}"));
    rig.template.send(exchange.clone(), "in", message)
}

async fn a_full_window_holds_publishers_up_until_it_drains(release: Release) {
    let relay = Relay::to(announced(release).unwrap().address());
    let rig = Rig::with(relay.target(), settings(LONG)).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    relay.hold();
    let mut early = Vec::new();
    for n in 0..WINDOW {
        early.push(
            ends("room", publish(&rig, &exchange, n).enqueue())
                .await
                .unwrap(),
        );
    }
    // Three times as many as there is room for.
    let mut waiting: Vec<_> = (WINDOW..4 * WINDOW)
        .map(|n| publish(&rig, &exchange, n).into_future())
        .collect();
    for waiting in &mut waiting {
        assert!(futures_util::poll!(waiting).is_pending());
    }
    let counts = rig.template.counts();
    let window = WINDOW as u64;
    assert_eq!(
        (counts.sent, counts.in_flight),
        (window, window),
        "{counts}"
    );
    assert_eq!(rig.template.window_used(), WINDOW);
    relay.release();
    for early in early {
        assert!(ends("a verdict", early).await.is_ok());
    }
    for end in ends("all", futures_util::future::join_all(waiting)).await {
        assert!(end.is_ok(), "{end:?}");
    }
    let counts = rig.template.counts();
    assert_eq!(counts.confirmed, 4 * window, "{counts}");
    assert_eq!(rig.drain(&queue).await.len(), 4 * WINDOW);
    rig.finish().await;
}

async fn a_window_that_stays_full_refuses_at_the_deadline_and_nothing_else_changes(
    release: Release,
) {
    let relay = Relay::to(announced(release).unwrap().address());
    let rig = Rig::with(relay.target(), settings(Duration::from_millis(200))).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    relay.hold();
    let mut early = Vec::new();
    for n in 0..WINDOW - 1 {
        early.push(
            ends("room", publish(&rig, &exchange, n).enqueue())
                .await
                .unwrap(),
        );
    }
    let lost = rig
        .template
        .send(exchange.clone(), "nowhere", Message::new("lost"));
    let lost = ends("room", lost.enqueue()).await.unwrap();
    let refused = ends("a refusal", publish(&rig, &exchange, 99).into_future()).await;
    let full = PublishErrorKind::Refused(RefusedReason::WindowFull);
    assert_eq!(kind(&refused), Some(full));
    let error = refused.unwrap_err();
    assert_eq!((error.message_id(), error.attempts()), ("m99", 0));
    assert_eq!(error.into_message().unwrap().body(), "x");
    let counts = rig.template.counts();
    let window = WINDOW as u64;
    assert_eq!(
        (counts.sent, counts.refused, counts.in_flight),
        (window + 1, 1, window),
        "{counts}"
    );
    relay.release();
    for early in early {
        let confirmed = ends("a verdict", early).await.unwrap();
        assert_eq!(confirmed.attempts(), 1);
    }
    let end = ends("a verdict", lost).await;
    assert_eq!(kind(&end), Some(PublishErrorKind::Returned));
    // There is room again.
    let next = ends("a verdict", publish(&rig, &exchange, 100).into_future()).await;
    assert!(next.is_ok(), "{next:?}");
    let stored = rig.drain(&queue).await;
    assert_eq!(stored.len(), WINDOW);
    assert!(!stored.contains_key("m99"));
    rig.finish().await;
}

on_both! {
    a_full_window_holds_publishers_up_until_it_drains,
    a_window_that_stays_full_refuses_at_the_deadline_and_nothing_else_changes,
}
