//! One bad publish among thousands: it ends refused, and nobody else pays.

use std::collections::HashSet;

use rmq_core::message::{Message, Value};
use rmq_core::name::Name;
use rmq_core::template::{PublishErrorKind, RefusedReason};
use rmq_tests::broker::{Node, NodeConfig, Release, announced};

use crate::support::{Rig, ends, name, on_both};

/// Sends 2,000 good messages with bad ones at these places. The ids of the good ones.
async fn burst(
    rig: &Rig,
    exchange: &Name,
    bad_at: &[usize],
    bad: impl Fn() -> (Name, Message),
    code: u16,
) -> HashSet<String> {
    let mut pending = Vec::new();
    let mut good = HashSet::new();
    for n in 0..2_000 {
        if bad_at.contains(&n) {
            let (exchange, message) = bad();
            let publish = rig.template.send(exchange, "in", message);
            pending.push((true, ends("room", publish.enqueue()).await.unwrap()));
        }
        let publish = rig.template.send(exchange.clone(), "in", Message::new("x"));
        let enqueued = ends("room", publish.enqueue()).await.unwrap();
        good.insert(enqueued.message_id().to_owned());
        pending.push((false, enqueued));
    }
    for (is_bad, pending) in pending {
        match ends("an end", pending).await {
            Ok(confirmed) => assert!(!is_bad, "{confirmed:?}"),
            Err(error) => {
                assert!(is_bad, "a neighbour paid: {error}");
                assert_eq!(
                    error.kind(),
                    PublishErrorKind::Refused(RefusedReason::Broker)
                );
                assert_eq!(error.reply().unwrap().0, code, "{error}");
            }
        }
    }
    good
}

async fn check(rig: &Rig, queue: &Name, good: &HashSet<String>) {
    let stored = rig.drain(queue).await;
    let ids: HashSet<String> = stored.keys().cloned().collect();
    assert_eq!(&ids, good, "every good message is in the queue");
}

fn quorum() -> Vec<(&'static str, Value)> {
    vec![("x-queue-type", Value::from("quorum"))]
}

async fn a_missing_exchange_among_2000_on_a_classic_queue(release: Release) {
    missing_exchange(release, Vec::new(), &[1_000]).await;
}

async fn a_missing_exchange_among_2000_on_a_quorum_queue(release: Release) {
    missing_exchange(release, quorum(), &[1_000]).await;
}

async fn three_missing_exchanges_in_one_burst_on_a_classic_queue(release: Release) {
    missing_exchange(release, Vec::new(), &[0, 700, 1_999]).await;
}

async fn three_missing_exchanges_in_one_burst_on_a_quorum_queue(release: Release) {
    missing_exchange(release, quorum(), &[500, 501, 1_500]).await;
}

async fn missing_exchange(release: Release, arguments: Vec<(&'static str, Value)>, at: &[usize]) {
    let broker = announced(release).unwrap();
    let rig = Rig::start(broker.address()).await;
    let (exchange, queue) = rig.bound("in", arguments).await;
    let missing = || (name("no-such-exchange"), Message::new("bad"));
    let good = burst(&rig, &exchange, at, missing, 404).await;
    check(&rig, &queue, &good).await;
    rig.finish().await;
}

async fn bodies_above_the_brokers_limit_among_2000_on_a_classic_queue(release: Release) {
    large_bodies(release, Vec::new(), [&[1_000], &[0, 700, 1_999]]).await;
}

async fn bodies_above_the_brokers_limit_among_2000_on_a_quorum_queue(release: Release) {
    large_bodies(release, quorum(), [&[1_000], &[500, 501, 1_500]]).await;
}

/// One burst for each of these lists of places, on a broker of its own with a low limit.
async fn large_bodies(
    release: Release,
    arguments: Vec<(&'static str, Value)>,
    bursts: [&[usize]; 2],
) {
    let node = Node::start(release, NodeConfig::default().max_message_size(100_000)).unwrap();
    for at in bursts {
        let rig = Rig::start(&node.address()).await;
        let (exchange, queue) = rig.bound("in", arguments.clone()).await;
        let to = exchange.clone();
        let large = move || (to.clone(), Message::new(vec![0; 200_000]));
        let good = burst(&rig, &exchange, at, large, 406).await;
        check(&rig, &queue, &good).await;
        rig.finish().await;
    }
}

on_both! {
    a_missing_exchange_among_2000_on_a_classic_queue,
    a_missing_exchange_among_2000_on_a_quorum_queue,
    three_missing_exchanges_in_one_burst_on_a_classic_queue,
    three_missing_exchanges_in_one_burst_on_a_quorum_queue,
    bodies_above_the_brokers_limit_among_2000_on_a_classic_queue,
    bodies_above_the_brokers_limit_among_2000_on_a_quorum_queue,
}
