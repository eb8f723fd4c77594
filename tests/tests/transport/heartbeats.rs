//! Heartbeats go both ways whatever else goes, and a silent peer is dropped.

use std::time::{Duration, Instant};

use rmq_core::message::Message;
use rmq_core::transport::{Link, LinkSettings, LinkState, Settlement};

use crate::fake::Fake;
use crate::rig::{self, Consumer, Publisher, count, queue, soon};

/// A minute by the issue; long enough for three judgements by default.
fn traffic() -> Duration {
    Duration::from_secs(count(60, 7) as u64)
}

async fn beating(address: &str, name: &str) -> Link {
    let settings = LinkSettings {
        heartbeat: Duration::from_secs(2),
        name: name.into(),
        ..rig::settings(address)
    };
    Link::open(settings).await.unwrap()
}

/// One link publishes and hears next to nothing, the other only receives (no-ack) and says nothing, and one is idle.
pub async fn traffic_in_one_direction_only_keeps_the_link(address: &str) {
    let publishing = beating(address, "publishing").await;
    let consuming = beating(address, "consuming").await;
    let idle = beating(address, "idle").await;
    let channel = consuming.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    let mut consumer = Consumer::start(&channel, &queue, true).await;
    // Without confirms nothing at all comes back: a channel without a sink is not in confirm mode.
    let silent = publishing.open_channel(soon()).await.unwrap();
    let until = Instant::now() + traffic();
    let mut sent = 0;
    while Instant::now() < until {
        silent
            .publish(&rig::name(""), &queue, &Message::new("m"), false, sent)
            .unwrap();
        sent += 1;
        consumer.delivery().await;
    }
    for link in [&publishing, &consuming, &idle] {
        assert_eq!(*link.state().borrow(), LinkState::Open);
    }
    // And they still work.
    silent.round_trip(soon()).await.unwrap();
    channel.round_trip(soon()).await.unwrap();
    idle.open_channel(soon()).await.unwrap();
    let mut publisher = Publisher::open(&publishing).await;
    publisher.publish(&queue, &Message::new("m"), 1);
    publisher.settled().await;
    let delivery = consumer.delivery().await;
    // No-ack: there is nothing to settle.
    assert!(channel.settle(delivery.tag(), Settlement::Ack).is_err());
    channel
        .delete_queue(&queue, false, false, soon())
        .await
        .unwrap();
}

/// A link and a peer that have agreed on a heartbeat of one second.
async fn agreed() -> (Link, crate::fake::Peer) {
    let fake = Fake {
        heartbeat: 1,
        ..Fake::start().await
    };
    let (link, peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    (link, peer)
}

#[tokio::test]
async fn a_peer_that_goes_silent_is_dropped_after_two_intervals() {
    let (link, mut peer) = agreed().await;
    // Not before: it was heard of for the last time by now.
    let silent_since = Instant::now();
    let mut state = link.state();
    let closed = state
        .wait_for(|state| matches!(state, LinkState::Closed(_)))
        .await
        .unwrap()
        .clone();
    assert!(
        silent_since.elapsed() >= Duration::from_millis(1_900),
        "{:?}",
        silent_since.elapsed()
    );
    let LinkState::Closed(cause) = closed else {
        panic!()
    };
    assert!(cause.text.contains("two heartbeat intervals"), "{cause}");
    // We were heard meanwhile.
    let mut beats = 0;
    for _ in 0..3 {
        beats += usize::from(peer.any().await.kind == 8);
    }
    assert!(beats >= 2, "{beats}");
    peer.until_gone().await;
}

#[tokio::test]
async fn heartbeats_of_the_peer_keep_the_link() {
    let (link, mut peer) = agreed().await;
    // Each of ours is answered; five of them span more than two intervals, and without the answers the link would be dropped.
    for _ in 0..9 {
        assert_eq!(peer.any().await.kind, 8);
        peer.send(&crate::fake::frame(8, 0, &[])).await;
    }
    assert_eq!(*link.state().borrow(), LinkState::Open);
}
