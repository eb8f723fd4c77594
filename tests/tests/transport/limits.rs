//! Messages over the limits on body and headers: delivered, returned and fetched, an event of one message each.

use rmq_core::message::{DeliveryFault, HeaderLimits, Limits, Message};
use rmq_core::transport::{Link, LinkSettings, Settlement, Verdict};

use crate::rig::{self, Consumer, Publisher, link, name, queue, soon};

const LIMITS: Limits = Limits {
    body: 1_000,
    headers: HeaderLimits {
        bytes: 2_000,
        depth: 32,
    },
};

/// The broker does not hold a content header to this frame size.
async fn limited(address: &str) -> Link {
    let settings = LinkSettings {
        limits: LIMITS,
        frame_max: 4_096,
        ..rig::settings(address)
    };
    Link::open(settings).await.unwrap()
}

pub async fn messages_over_the_limits_are_events_of_their_own(address: &str) {
    let (large, small) = (link(address).await, limited(address).await);
    let mut publisher = Publisher::open(&large).await;
    let admin = large.open_channel(soon()).await.unwrap();
    let dead = queue(&admin).await;
    let work = name(&rmq_tests::broker::unique("limits"));
    let route = vec![
        ("x-dead-letter-exchange".into(), "".into()),
        (
            "x-dead-letter-routing-key".into(),
            dead.as_str().to_owned().into(),
        ),
    ];
    let declared = admin.declare_queue(&work, false, true, false, false, route, soon());
    declared.await.unwrap();

    let body = Message::new(vec![7; 100_000]).with_message_id("long-body");
    let headers = Message::new("whole")
        .with_message_id("long-headers")
        .with_header("x-long", "x".repeat(50_000));
    let both = Message::new(vec![7; 100_000])
        .with_message_id("both")
        .with_header("x-long", "x".repeat(50_000));
    let next = Message::new("next");
    for (token, message) in [&body, &headers, &both, &next].into_iter().enumerate() {
        publisher.publish(&work, message, token as u64);
        assert!(matches!(publisher.settled().await, (_, Verdict::Ack)));
    }

    // Fetched, and put back.
    let channel = small.open_channel(soon()).await.unwrap();
    let got = channel.get(&work, false, soon()).await.unwrap().unwrap();
    assert!(matches!(
        got.delivery.fault(),
        Some(DeliveryFault::Body { size: 100_000, .. })
    ));
    channel
        .settle(got.delivery.tag(), Settlement::HandBack)
        .unwrap();

    // Delivered: rejected one by one, and the next one comes.
    channel.qos(1, soon()).await.unwrap();
    let mut consumer = Consumer::start(&channel, &work, false).await;
    for id in ["long-body", "long-headers", "both"] {
        let delivery = consumer.delivery().await;
        assert_eq!(delivery.message_id().as_deref(), Some(id));
        let fault = delivery.fault().unwrap();
        assert!(fault.is_incomplete(), "{fault}");
        if id == "long-headers" {
            assert!(
                matches!(
                    fault,
                    DeliveryFault::Headers {
                        size: 50_000..,
                        limit: 2_000
                    }
                ),
                "{fault}"
            );
            assert_eq!(delivery.message().body(), "whole");
        }
        channel.settle(delivery.tag(), Settlement::Reject).unwrap();
    }
    let delivery = consumer.delivery().await;
    assert_eq!(
        (delivery.fault(), delivery.message().body().as_ref()),
        (None, &b"next"[..])
    );
    channel.settle(delivery.tag(), Settlement::Ack).unwrap();

    // Returned to a publisher on such a connection.
    let mut returned = Publisher::open(&small).await;
    returned.publish(&name("nobody-listens-here"), &body, 9);
    let (9, Verdict::Returned(back)) = returned.settled().await else {
        panic!()
    };
    assert_eq!(back.message().message_id(), Some("long-body"));

    // Dead-lettered, intact.
    let mut dead_letters = Consumer::start(&admin, &dead, false).await;
    for sent in [&body, &headers, &both] {
        let delivery = dead_letters.delivery().await;
        assert_eq!(delivery.message_id().as_deref(), sent.message_id());
        assert_eq!(delivery.message().body(), sent.body());
        assert_eq!(delivery.message().header("x-long"), sent.header("x-long"));
        admin.settle(delivery.tag(), Settlement::Ack).unwrap();
    }
    for queue in [work, dead] {
        let deleted = admin.delete_queue(&queue, false, false, soon());
        deleted.await.unwrap();
    }
    small.close(soon()).await;
    large.close(soon()).await;
}
