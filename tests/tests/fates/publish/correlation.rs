//! The confirm callback is told the sender's correlation data, whatever the outcome.

use rmq_core::prelude::*;

use crate::stage::{Line, Stage, ends};

fn confirms(lines: Vec<Line>) -> Vec<(String, PublishOutcome)> {
    let confirms = lines.into_iter().filter_map(|line| match line {
        Line::Confirm(id, outcome) => Some((id, outcome)),
        Line::Returned(_) => None,
    });
    confirms.collect()
}

#[tokio::test]
async fn the_confirm_callback_gets_the_senders_correlation_data_for_every_outcome() {
    let stage = Stage::start("").await;
    let binding = Binding::queue("orders").to("orders").with("nacked");
    stage.app.admin().declare_binding(binding).await.unwrap();
    stage.broker.on_publish().with_key("nacked").nack();
    let missing = Message::new("x").with_message_id("m-4");
    let publishes = [
        stage.send("in", "m-1").correlation("c-1"),
        stage.send("nacked", "m-2").correlation("c-2"),
        stage.send("nowhere", "m-3").correlation("c-3"),
        stage
            .template()
            .send("missing", "in", missing)
            .correlation(CorrelationData::new("c-4")),
    ];
    for publish in publishes {
        drop(ends("an end", publish.into_future()).await);
    }
    let told = stage.told.clone();
    stage.finish().await;
    let wanted = [
        ("c-1", PublishOutcome::Confirmed),
        ("c-2", PublishOutcome::Nacked),
        ("c-3", PublishOutcome::Returned),
        ("c-4", PublishOutcome::Refused),
    ];
    let wanted = wanted.map(|(id, outcome)| (id.to_owned(), outcome));
    assert_eq!(confirms(told.lines()), wanted);
    let returned = Line::Returned("m-3".to_owned());
    assert!(told.lines().contains(&returned), "the message id stays");
}

/// The same correlation data may be used twice: it is the sender's, and finds no message.
#[tokio::test]
async fn correlation_data_need_not_be_unique() {
    let stage = Stage::start("").await;
    stage.broker.on_publish().gather_confirms(2);
    let publishes = ["in", "nowhere"].map(|key| stage.send(key, key).correlation("both"));
    let ended = ends("both", stage.template().send_all(publishes)).await;
    assert!(ended[0].is_ok());
    let error = ended[1].as_ref().unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Returned);
    let told = stage.told.clone();
    stage.finish().await;
    let outcomes = [PublishOutcome::Confirmed, PublishOutcome::Returned];
    let wanted = outcomes.map(|outcome| ("both".to_owned(), outcome));
    assert_eq!(confirms(told.lines()), wanted);
}

#[tokio::test]
async fn without_correlation_data_the_confirm_callback_gets_the_message_id() {
    let stage = Stage::start("").await;
    let own = ends("a verdict", stage.send("in", "m-1").into_future()).await;
    assert_eq!(own.unwrap().message_id(), "m-1");
    let without = stage.template().send("orders", "in", Message::new("x"));
    let without = ends("a verdict", without.into_future()).await.unwrap();
    assert!(!without.message_id().is_empty(), "the template gives one");
    let told = stage.told.clone();
    stage.finish().await;
    let ids = ["m-1", without.message_id()];
    let wanted = ids.map(|id| (id.to_owned(), PublishOutcome::Confirmed));
    assert_eq!(confirms(told.lines()), wanted);
}
