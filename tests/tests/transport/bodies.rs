//! Bodies from nothing to 64 MB, also through frames of 4,096 bytes.

use bytes::Bytes;
use rmq_core::message::Message;
use rmq_core::transport::{Link, LinkSettings, Settlement, Verdict};
use rmq_tests::broker::{Node, NodeConfig, Release};

use crate::rig::{self, Consumer, Publisher, queue, soon};

const MB: usize = 1024 * 1024;

fn body(size: usize) -> Bytes {
    (0..size).map(|at| (at * 31 + at / 256) as u8).collect()
}

async fn through(link: &Link, sizes: &[usize]) {
    let channel = link.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    let mut publisher = Publisher::open(link).await;
    channel.qos(4, soon()).await.unwrap();
    let mut consumer = Consumer::start(&channel, &queue, false).await;
    for (token, &size) in sizes.iter().enumerate() {
        let body = body(size);
        publisher.publish(
            &queue,
            &Message::new(body.clone()).with_header("size", size as i64),
            token as u64,
        );
        let delivery = consumer.delivery().await;
        assert!(delivery.message().body() == &body, "{size}");
        channel.settle(delivery.tag(), Settlement::Ack).unwrap();
        assert!(
            matches!(publisher.settled().await, (_, Verdict::Ack)),
            "{size}"
        );
        publisher.publish(
            &rig::name("nobody-listens-here"),
            &Message::new(body.clone()),
            token as u64,
        );
        let (_, Verdict::Returned(returned)) = publisher.settled().await else {
            panic!("{size}")
        };
        assert!(returned.message().body() == &body, "{size}");
    }
    // All at once on one channel: each whole, in order.
    for (token, &size) in sizes.iter().enumerate().filter(|(_, size)| **size <= MB) {
        publisher.publish(&queue, &Message::new(body(size)), token as u64);
    }
    for &size in sizes.iter().filter(|size| **size <= MB) {
        let delivery = consumer.delivery().await;
        assert!(delivery.message().body() == &body(size), "{size}");
        channel.settle(delivery.tag(), Settlement::Ack).unwrap();
    }
    channel.round_trip(soon()).await.unwrap();
    channel
        .delete_queue(&queue, false, false, soon())
        .await
        .unwrap();
}

async fn both_frame_sizes(release: Release) {
    let config = NodeConfig::default().max_message_size(128 * MB as u64);
    let node = tokio::task::spawn_blocking(move || Node::start(release, config))
        .await
        .unwrap()
        .unwrap();
    let settings = rig::settings(&node.address());
    let large = Link::open(LinkSettings {
        name: "large frames".into(),
        ..settings.clone()
    })
    .await
    .unwrap();
    through(
        &large,
        &[
            0,
            1,
            4_095,
            4_096,
            65_535,
            65_536,
            65_537,
            131_063,
            131_064,
            131_065,
            300_000,
            MB,
            64 * MB,
        ],
    )
    .await;
    large.close(soon()).await;
    let small = Link::open(LinkSettings {
        frame_max: 4_096,
        ..settings
    })
    .await
    .unwrap();
    through(
        &small,
        &[0, 1, 4_087, 4_088, 4_089, 65_536, 65_537, MB, 64 * MB],
    )
    .await;
    small.close(soon()).await;
    tokio::task::spawn_blocking(move || drop(node))
        .await
        .unwrap();
}

mod rabbit3 {
    #[tokio::test(flavor = "multi_thread")]
    async fn bodies_of_every_size_arrive_whole() {
        super::both_frame_sizes(super::Release::V3).await;
    }
}

mod rabbit4 {
    #[tokio::test(flavor = "multi_thread")]
    async fn bodies_of_every_size_arrive_whole() {
        super::both_frame_sizes(super::Release::V4).await;
    }
}
