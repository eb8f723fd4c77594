//! Callbacks on a real broker.

use std::future::IntoFuture;
use std::sync::Arc;

use futures_util::FutureExt;
use rmq_core::message::{Message, PublishOutcome};
use rmq_core::template::{Callbacks, PublishErrorKind, TemplateSettings};
use rmq_tests::broker::{Release, announced};

use crate::support::{Rig, ends, kind, on_both, sized, tcp};

/// What a callback does once it has written down what it was told.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Return,
    /// Before there is a future.
    PanicAtOnce,
    /// Inside of it, after a wait.
    PanicLater,
}

async fn end_as(then: Then) {
    tokio::task::yield_now().await;
    assert!(then == Then::Return, "provoked");
}

const fn confirm_of(n: usize) -> Then {
    match n % 10 {
        0 => Then::PanicAtOnce,
        1 => Then::PanicLater,
        _ => Then::Return,
    }
}

/// Of the unroutable ones, which are the multiples of four.
const fn return_of(n: usize) -> Then {
    match n % 12 {
        0 => Then::PanicAtOnce,
        4 => Then::PanicLater,
        _ => Then::Return,
    }
}

fn number(id: &str) -> usize {
    id.parse().unwrap()
}

fn panicking(told: Callbacks) -> Callbacks {
    let (on_confirm, on_return) = (told.on_confirm.unwrap(), told.on_return.unwrap());
    Callbacks {
        on_confirm: Some(Arc::new(move |confirm| {
            let then = confirm_of(number(confirm.correlation_id()));
            on_confirm(confirm).now_or_never().unwrap();
            assert!(then != Then::PanicAtOnce, "provoked");
            Box::pin(end_as(then))
        })),
        on_return: Some(Arc::new(move |returned| {
            let then = return_of(number(returned.message().message_id().unwrap()));
            on_return(returned).now_or_never().unwrap();
            assert!(then != Then::PanicAtOnce, "provoked");
            Box::pin(end_as(then))
        })),
    }
}

async fn a_panicking_callback_is_counted_and_every_verdict_is_told(release: Release) {
    let target = tcp(announced(release).unwrap().address());
    let rig = Rig::with_callbacks(target, TemplateSettings::default(), panicking).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    let messages = sized(5_000, 240);
    let lost = |n: usize| n.is_multiple_of(4);
    let publishes: Vec<_> = (0..messages)
        .map(|n| {
            let key = if lost(n) { "nowhere" } else { "in" };
            let message = Message::new("x").with_message_id(n.to_string());
            rig.template.send(exchange.clone(), key, message)
        })
        .collect();
    let all = ends("all", rig.template.send_all(publishes)).await;
    for (n, end) in all.iter().enumerate() {
        let wanted = lost(n).then_some(PublishErrorKind::Returned);
        assert_eq!(kind(end), wanted, "message {n}");
    }
    // The panics of those before it harm nobody behind them.
    let last = Message::new("x").with_message_id(messages.to_string() + "9");
    let last = rig.template.send(exchange, "in", last);
    assert!(ends("a verdict", last.into_future()).await.is_ok());
    assert_eq!(rig.count(&queue).await as usize, messages * 3 / 4 + 1);

    let (confirms, returns) = (Arc::clone(&rig.confirms), Arc::clone(&rig.returns));
    let template = rig.template.clone();
    rig.finish().await;
    let confirms = confirms.lock();
    for n in 0..messages {
        let wanted = match lost(n) {
            true => PublishOutcome::Returned,
            false => PublishOutcome::Confirmed,
        };
        assert_eq!(confirms[&n.to_string()], [wanted], "message {n}");
    }
    assert_eq!(returns.lock().len(), messages / 4);
    let panics = |then: fn(usize) -> Then| move |n: &usize| then(*n) != Then::Return;
    let failed = (0..messages).filter(panics(confirm_of)).count()
        + (0..messages)
            .filter(|n| lost(*n))
            .filter(panics(return_of))
            .count();
    assert_eq!(template.counts().failed_callbacks, failed as u64);
}

on_both! {
    a_panicking_callback_is_counted_and_every_verdict_is_told,
}
