//! Channels that the broker closes, that we close, and that both close at once.

use std::collections::HashMap;

use rmq_core::message::Message;
use rmq_core::name::Name;
use rmq_core::transport::{Channel, Link, LinkSettings, LinkState, TransportErrorKind, Verdict};

use crate::rig::{self, Publisher, Told, count, link, name, queue, soon};

fn is_open(link: &Link) -> bool {
    matches!(*link.state().borrow(), LinkState::Open)
}

pub async fn channels_closed_by_the_broker_leave_the_connection_serving(address: &str) {
    let settings = LinkSettings {
        channel_max: 16,
        ..rig::settings(address)
    };
    let link = Link::open(settings).await.unwrap();
    let missing = name("no-such-exchange");
    for round in 0..count(5_000, 500) {
        let mut publisher = Publisher::open(&link).await;
        publisher
            .channel
            .publish(&missing, &name("k"), &Message::new("m"), true, 1)
            .unwrap();
        let (cause, pending) = publisher.closed().await;
        assert_eq!(
            (cause.code, cause.link, cause.is_publish()),
            (404, false, true),
            "{round}: {cause}"
        );
        assert_eq!(pending.len(), 1);
        // Half are closed by hand after that, and half by being dropped.
        if round % 2 == 0 {
            publisher.channel.close(soon()).await;
        }
    }
    // A declaration of something different, a passive one of something missing, a consumer on nothing.
    for _ in 0..count(100, 20) {
        let channel = link.open_channel(soon()).await.unwrap();
        let error = channel
            .declare_queue(
                &name("not-there"),
                true,
                false,
                false,
                false,
                Vec::new(),
                soon(),
            )
            .await
            .unwrap_err();
        assert_eq!(
            error.kind,
            TransportErrorKind::ChannelClosed(404),
            "{error}"
        );
        assert_eq!(channel.closed().await.code, 404);
    }
    let mut publisher = Publisher::open(&link).await;
    let channel = link.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    publisher.publish(&queue, &Message::new("still serving"), 1);
    assert!(matches!(publisher.settled().await, (1, Verdict::Ack)));
    channel
        .delete_queue(&queue, false, false, soon())
        .await
        .unwrap();
    link.close(soon()).await;
}

pub async fn closes_from_both_sides_in_a_burst_leave_the_connection_and_every_verdict(
    address: &str,
) {
    let link = link(address).await;
    let steady = link.open_channel(soon()).await.unwrap();
    let queue = queue(&steady).await;
    let missing = name("no-such-exchange");
    let (mut by_broker, mut by_us) = (0, 0);
    for round in 0..count(200, 40) as u64 {
        let mut publisher = Publisher::open(&link).await;
        // Some place in a burst that differs from round to round, the bad one before, at or behind our close.
        let burst = 50 + (round * 37) % 200;
        let bad = (round * 61) % burst;
        let close_at = (round * 97) % burst;
        let mut sent = 0;
        let mut closing = None;
        for token in 0..burst {
            if token == close_at {
                let channel = publisher.channel.clone();
                let close = async move { channel.close(soon()).await };
                // Every third is through before the burst goes on, so that some closes are surely ours.
                if round % 3 == 0 {
                    close.await;
                } else {
                    closing = Some(tokio::spawn(close));
                }
            }
            let exchange = if token == bad {
                missing.clone()
            } else {
                Name::default()
            };
            match publisher
                .channel
                .publish(&exchange, &queue, &Message::new("m"), true, token)
            {
                Ok(tag) => {
                    sent += 1;
                    assert_eq!(tag, sent);
                }
                Err(_) => break,
            }
        }
        // The broker may be first: then nothing was left to close.
        match closing {
            Some(closing) => closing.await.unwrap(),
            None => publisher.channel.close(soon()).await,
        }
        let mut fates: HashMap<u64, &str> = HashMap::new();
        loop {
            match publisher.next().await {
                Told::Settled(token, verdict) => {
                    assert!(
                        matches!(verdict, Verdict::Ack) && token != bad,
                        "{round}: {token} {verdict:?}"
                    );
                    assert!(fates.insert(token, "ack").is_none());
                }
                Told::Closed(cause, pending) => {
                    assert!(!cause.link, "round {round}: {cause}");
                    if cause.by_us {
                        by_us += 1;
                    } else {
                        assert_eq!(cause.code, 404, "round {round}: {cause}");
                        by_broker += 1;
                    }
                    for one in pending {
                        assert!(fates.insert(one.token, "pending").is_none());
                    }
                    break;
                }
            }
        }
        assert_eq!(fates.len() as u64, sent, "round {round}");
        assert!(publisher.told.try_recv().is_err());
        assert!(is_open(&link), "round {round}");
        assert!(
            steady
                .declare_queue(&queue, true, false, false, false, Vec::new(), soon())
                .await
                .is_ok()
        );
    }
    assert!(
        by_broker > 0 && by_us > 0,
        "each side was first at times: the broker {by_broker}, we {by_us}"
    );
    steady
        .delete_queue(&queue, false, false, soon())
        .await
        .unwrap();
    link.close(soon()).await;
}

pub async fn a_consumer_whose_channel_or_queue_goes_is_told(address: &str) {
    let link = link(address).await;
    let channel = link.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    let mut consumer = rig::Consumer::start(&channel, &queue, false).await;
    let other = link.open_channel(soon()).await.unwrap();
    other
        .delete_queue(&queue, false, false, soon())
        .await
        .unwrap();
    assert!(matches!(consumer.next().await, rig::Heard::Cancelled));
    // The channel lives.
    channel.round_trip(soon()).await.unwrap();
    let (sink, _consumer) = rig::delivery_sink();
    let error = channel
        .consume(rig::spec(&queue, "gone", false), sink, soon())
        .await
        .unwrap_err();
    assert_eq!(
        error.kind,
        TransportErrorKind::ChannelClosed(404),
        "{error}"
    );
    let rig::Heard::Closed(cause) = consumer_of(_consumer).await else {
        panic!()
    };
    assert_eq!(cause.code, 404);
    assert!(channel.round_trip(soon()).await.is_err());
    assert!(is_open(&link));
    link.close(soon()).await;
}

async fn consumer_of(mut consumer: rig::Consumer) -> rig::Heard {
    consumer.next().await
}

pub async fn many_consumers_come_and_go_on_one_channel(address: &str) {
    let link = link(address).await;
    let channel = link.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    let mut publisher = Publisher::open(&link).await;
    for token in 0..60 {
        let (sink, mut consumer) = rig::delivery_sink();
        let tag = name(&format!("c{token}"));
        channel
            .consume(rig::spec(&queue, &tag, false), sink, soon())
            .await
            .unwrap();
        publisher.publish(&queue, &Message::new(format!("{token}")), token);
        let delivery = consumer.delivery().await;
        assert_eq!(delivery.message().body(), &format!("{token}"));
        assert_eq!(&**delivery.consumer_tag(), tag.as_str());
        channel
            .settle(delivery.tag(), rmq_core::transport::Settlement::Ack)
            .unwrap();
        channel.cancel(&tag, soon()).await.unwrap();
    }
    publisher.verdicts(60).await;
    channel
        .delete_queue(&queue, false, false, soon())
        .await
        .unwrap();
    link.close(soon()).await;
}

pub async fn consumers_that_the_broker_cancels_are_not_kept(address: &str) {
    let link = link(address).await;
    let channel = link.open_channel(soon()).await.unwrap();
    let other = link.open_channel(soon()).await.unwrap();
    let kept = |channel: &Channel| {
        let shown = format!("{channel:?}");
        let (_, consumers) = shown.split_once("consumers: ").unwrap();
        consumers.trim_end_matches(" }").parse::<usize>().unwrap()
    };
    let lives = queue(&other).await;
    let mut alive = rig::Consumer::start(&channel, &lives, false).await;
    for round in 0..20 {
        let queue = queue(&other).await;
        let mut consumer = rig::Consumer::start(&channel, &queue, round % 2 == 0).await;
        // The one that lives, the one that has just begun, and at most the one before it.
        assert!(kept(&channel) <= 3, "{channel:?} in round {round}");
        other
            .delete_queue(&queue, false, false, soon())
            .await
            .unwrap();
        assert!(matches!(consumer.next().await, rig::Heard::Cancelled));
    }
    // None was cancelled that lives.
    let mut publisher = Publisher::open(&link).await;
    publisher.publish(&lives, &Message::new("m"), 1);
    publisher.verdicts(1).await;
    assert_eq!(alive.delivery().await.message().body(), "m");
    other
        .delete_queue(&lives, false, false, soon())
        .await
        .unwrap();
    link.close(soon()).await;
}
