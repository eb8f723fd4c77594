//! Right verdicts under load: the broker's word, about the right message, every time.

use rmq_core::message::{Message, Value};
use rmq_core::name::Name;
use rmq_core::template::{PublishErrorKind, RabbitTemplate};
use rmq_tests::broker::{Release, announced};

use crate::support::{Rig, ends, kind, name, on_both, sized};

async fn every_tenth_of_5000_in_flight_is_unroutable_and_no_verdict_is_wrong(release: Release) {
    let broker = announced(release).unwrap();
    let rig = Rig::start(broker.address()).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    for round in 0..sized(200, 5) {
        let mut pending = Vec::with_capacity(5_000);
        for n in 0..5_000 {
            let key = if n % 10 == 0 { "nowhere" } else { "in" };
            let mut message = Message::new(format!("{round} {n}"));
            // An id of the user's may be the same twice, and says nothing about a return.
            if n % 20 == 0 || n % 3 == 0 {
                message = message.with_message_id("one for all");
            }
            let publish = rig.template.send(exchange.clone(), key, message);
            pending.push(ends("room", publish.enqueue()).await.unwrap());
        }
        for (n, pending) in pending.into_iter().enumerate() {
            let end = ends("a verdict", pending).await;
            let wanted = (n % 10 == 0).then_some(PublishErrorKind::Returned);
            assert_eq!(kind(&end), wanted, "message {n} of round {round}");
            if let Err(error) = end {
                assert_eq!(error.reply().unwrap().0, 312);
                let body = format!("{round} {n}");
                assert_eq!(error.into_message().unwrap().body(), &body);
            }
        }
        assert_eq!(rig.purge(&queue).await, 4_500);
    }
    rig.finish().await;
}

/// A queue that refuses everything: full with one message.
async fn full_queue(rig: &Rig, exchange: &Name) -> Name {
    let full = name(&rmq_tests::broker::unique("full"));
    let arguments = vec![
        ("x-max-length", Value::I32(1)),
        ("x-overflow", Value::from("reject-publish")),
    ];
    rig.queue(&full, arguments).await;
    rig.bind(exchange, &full, "full").await;
    let first = rig
        .template
        .send(exchange.clone(), "full", Message::new("x"));
    ends("the one that fits", first.into_future())
        .await
        .unwrap();
    full
}

async fn sixty_four_tasks_with_returns_and_nacks_mixed_in(release: Release) {
    let broker = announced(release).unwrap();
    let rig = Rig::start(broker.address()).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    full_queue(&rig, &exchange).await;
    // A million in all, and a little more: a task sends whole hundreds.
    let each = sized(15_625, 400);
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let (template, exchange) = (rig.template.clone(), exchange.clone());
            tokio::spawn(async move { burst(&template, &exchange, task, each).await })
        })
        .collect();
    let mut routed = 0;
    for task in tasks {
        routed += ends("a task", task).await.unwrap();
    }
    assert_eq!(rig.count(&queue).await, routed);
    rig.purge(&queue).await;
    rig.finish().await;
}

/// What one task sends: some to each fate. How many were routed.
async fn burst(template: &RabbitTemplate, exchange: &Name, task: usize, each: usize) -> u32 {
    let mut routed = 0;
    for chunk in 0..each.div_ceil(100) {
        let mut pending = Vec::new();
        for n in 0..100 {
            let (key, wanted) = match (task + chunk + n) % 10 {
                0 => ("nowhere", Some(PublishErrorKind::Returned)),
                1 => ("full", Some(PublishErrorKind::Nacked)),
                _ => ("in", None),
            };
            let publish = template.send(exchange.clone(), key, Message::new("x"));
            pending.push((wanted, publish.enqueue().await.unwrap()));
        }
        for (wanted, pending) in pending {
            let id = pending.message_id().to_owned();
            let end = pending.await;
            assert_eq!(kind(&end), wanted);
            let told = match &end {
                Ok(confirmed) => confirmed.message_id(),
                Err(error) => error.message_id(),
            };
            assert_eq!(told, id);
            routed += u32::from(wanted.is_none());
        }
    }
    routed
}

async fn a_fanout_to_a_full_queue_and_an_open_one_is_nacked_and_in_the_open_one(release: Release) {
    let broker = announced(release).unwrap();
    let rig = Rig::start(broker.address()).await;
    let fanout = name(&rmq_tests::broker::unique("fanout"));
    let open = name(&rmq_tests::broker::unique("open"));
    rig.exchange(&fanout, "fanout").await;
    let full = full_queue(&rig, &fanout).await;
    rig.queue(&open, Vec::new()).await;
    rig.bind(&fanout, &open, "").await;
    let publish = rig.template.send(fanout, "any", Message::new("x"));
    let end = ends("a verdict", publish.into_future()).await;
    assert_eq!(kind(&end), Some(PublishErrorKind::Nacked));
    assert_eq!(rig.count(&open).await, 1, "others may hold it");
    assert_eq!(rig.count(&full).await, 1);
    rig.finish().await;
}

use std::future::IntoFuture;

on_both! {
    every_tenth_of_5000_in_flight_is_unroutable_and_no_verdict_is_wrong,
    sixty_four_tasks_with_returns_and_nacks_mixed_in,
    a_fanout_to_a_full_queue_and_an_open_one_is_nacked_and_in_the_open_one,
}
