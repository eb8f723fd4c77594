//! Return, then confirm, away from the reader; a panicking callback harms nobody else.

use std::sync::Arc;

use rmq_core::prelude::*;
use rmq_embedded::EmbeddedBroker;
use tokio::sync::Semaphore;

use crate::stage::{self, Line, Shop, Stage, Told, ends, shop_of};

#[tokio::test]
async fn for_one_message_the_return_is_told_before_the_confirm() {
    let stage = Stage::start("").await;
    // Both go out in one write, and one ack speaks for all.
    stage.broker.on_publish().gather_confirms(20);
    let publishes = (0..20).map(|n| stage.send("nowhere", &n.to_string()));
    ends("all", stage.template().send_all(publishes)).await;
    let told = stage.told.clone();
    stage.finish().await;
    let lines = told.lines();
    assert_eq!(lines.len(), 40);
    for n in 0..20 {
        let id = n.to_string();
        let returned = lines
            .iter()
            .position(|line| *line == Line::Returned(id.clone()));
        let confirm = Line::Confirm(id, PublishOutcome::Returned);
        let confirm = lines.iter().position(|line| *line == confirm);
        assert!(returned.unwrap() < confirm.unwrap(), "message {n}");
    }
}

#[tokio::test]
async fn every_outcome_is_told_once() {
    let stage = Stage::start("  publisher: { confirm-timeout: 100ms }\n").await;
    stage.broker.on_publish().with_key("nacked").nack();
    stage
        .broker
        .on_publish()
        .with_key("silent")
        .withhold_confirm();
    let admin = stage.app.admin();
    for key in ["nacked", "silent"] {
        let binding = Binding::queue("orders").to("orders").with(key);
        admin.declare_binding(binding).await.unwrap();
    }
    let missing = Message::new("x").with_message_id("refused");
    let publishes = [
        stage.send("in", "confirmed"),
        stage.send("nowhere", "returned"),
        stage.send("nacked", "nacked"),
        stage.template().send("missing", "in", missing),
        stage.send("silent", "unknown"),
    ];
    for publish in publishes {
        drop(ends("an end", publish.into_future()).await);
    }
    let told = stage.told.clone();
    stage.finish().await;
    let confirms: Vec<_> = told
        .lines()
        .into_iter()
        .filter_map(|line| match line {
            Line::Confirm(id, outcome) => Some((id, outcome.as_str())),
            Line::Returned(_) => None,
        })
        .collect();
    let wanted = ["confirmed", "returned", "nacked", "refused", "unknown"];
    assert_eq!(confirms, wanted.map(|name| (name.to_owned(), name)));
}

#[tokio::test]
async fn a_panicking_callback_is_counted_and_harms_nobody_else() {
    let stage = Stage::start("").await;
    stage.told.act(|line| match line {
        Line::Returned(id) if id == "1" => panic!("provoked"),
        Line::Confirm(id, _) if id == "2" => panic!("provoked"),
        _ => {}
    });
    for n in 0..4 {
        let end = ends(
            "an end",
            stage.send("nowhere", &n.to_string()).into_future(),
        )
        .await;
        assert_eq!(end.unwrap_err().kind(), PublishErrorKind::Returned);
    }
    let told = stage.told.clone();
    let ledger = stage.finish().await.published;
    assert_eq!(ledger.failed_callbacks, 2, "{ledger}");
    assert_eq!(
        told.lines().len(),
        8,
        "the confirm of a message runs, too, when its return has panicked"
    );
}

/// With one thread, a callback that waits for a verdict would wait for ever if it ran where the socket is read.
#[tokio::test]
async fn a_callback_may_publish_and_wait_for_the_verdict() {
    let stage = Stage::start("").await;
    let sent = Arc::new(Semaphore::new(0));
    let (template, done) = (stage.template(), Arc::clone(&sent));
    stage.told.act(move |line| {
        if *line == Line::Confirm("a".to_owned(), PublishOutcome::Confirmed) {
            let again = template
                .send("orders", "in", Message::new("b"))
                .message_id("b");
            let done = Arc::clone(&done);
            tokio::spawn(async move {
                again.await.unwrap();
                done.add_permits(1);
            });
        }
    });
    assert!(
        ends("a verdict", stage.send("in", "a").into_future())
            .await
            .is_ok()
    );
    ends("the callback's publish", sent.acquire())
        .await
        .unwrap()
        .forget();
    assert_eq!(stage.order(), ["a", "b"]);
    stage.finish().await;
}

#[on_return(config = Shop)]
fn returned_to_a_thread(message: ReturnedMessage, told: State<Told>) {
    let id = message.message().message_id().unwrap_or_default();
    told.note(Line::Returned(id.to_owned()));
}

/// The queue of callbacks is full: only what a callback itself publishes may pass.
#[tokio::test]
async fn a_callback_on_a_thread_of_its_own_may_publish_while_callbacks_have_no_room() {
    let (builder, told) = shop_of(
        listeners![stage::confirmed, returned_to_a_thread],
        "  publisher: { callbacks: { queue-capacity: 1 }, window-timeout: 2s }\n",
    );
    let stage = Stage::with(EmbeddedBroker::builder(), builder, told).await;
    let template = stage.template();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    stage.told.act(move |line| {
        if let Line::Returned(_) = line {
            let again = template
                .send("orders", "in", Message::new("b"))
                .message_id("b");
            let end = tokio::runtime::Handle::current().block_on(again.into_future());
            tell.send(end).unwrap();
        }
    });
    let end = ends("the return", stage.send("nowhere", "a").into_future()).await;
    assert_eq!(end.unwrap_err().kind(), PublishErrorKind::Returned);
    let end = ends("the callback's publish", told.recv()).await.unwrap();
    assert_eq!(end.unwrap().message_id(), "b");
    stage.finish().await;
}
