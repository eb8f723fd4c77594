//! Header tables nested 1,000 and 10,000 levels deep, delivered, returned and fetched: an event of one message.

use bytes::Bytes;
use rmq_core::message::{HeaderLimits, Headers, Message, MessageProperties, TableError};
use rmq_core::transport::{Settlement, Verdict};

use crate::rig::{Consumer, Publisher, link, name, queue, soon, waiting};

fn nested(levels: usize) -> Message {
    let mut content: Vec<u8> = Vec::new();
    for _ in 0..levels {
        let mut outer = vec![1, b'n', b'F'];
        outer.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        outer.append(&mut content);
        content = outer;
    }
    let headers = Headers::from_wire(Bytes::from(content), HeaderLimits::default());
    Message::from_parts(
        MessageProperties {
            headers,
            ..MessageProperties::persistent()
        },
        Bytes::from_static(b"intact"),
    )
}

fn check(message: &Message) {
    assert_eq!(
        message.properties().headers.fault(),
        Some(TableError::TooDeep(32))
    );
    assert_eq!(message.body(), "intact");
}

pub async fn a_deeply_nested_header_table_hurts_nobody(address: &str) {
    let link = link(address).await;
    let channel = link.open_channel(soon()).await.unwrap();
    let dead = queue(&channel).await;
    let work = name(&rmq_tests::broker::unique("nested"));
    let route = vec![
        ("x-dead-letter-exchange".into(), "".into()),
        (
            "x-dead-letter-routing-key".into(),
            dead.as_str().to_owned().into(),
        ),
    ];
    channel
        .declare_queue(&work, false, true, false, false, route, soon())
        .await
        .unwrap();
    let mut publisher = Publisher::open(&link).await;
    channel.qos(1, soon()).await.unwrap();
    for levels in [1_000, 10_000] {
        // Returned.
        publisher.publish(&name("nobody-listens-here"), &nested(levels), 1);
        let (1, Verdict::Returned(returned)) = publisher.settled().await else {
            panic!()
        };
        check(returned.message());
        // Fetched.
        publisher.publish(&work, &nested(levels), 2);
        assert!(matches!(publisher.settled().await, (2, Verdict::Ack)));
        let got = channel.get(&work, false, soon()).await.unwrap().unwrap();
        check(got.delivery.message());
        channel
            .settle(got.delivery.tag(), Settlement::Requeue)
            .unwrap();
        // Delivered, rejected, and the next one is handled.
        publisher.publish(&work, &Message::new("the next"), 3);
        assert!(matches!(publisher.settled().await, (3, Verdict::Ack)));
        let mut consumer = Consumer::start(&channel, &work, false).await;
        let delivery = consumer.delivery().await;
        check(delivery.message());
        channel.settle(delivery.tag(), Settlement::Reject).unwrap();
        let delivery = consumer.delivery().await;
        assert_eq!(delivery.message().body(), "the next");
        channel.settle(delivery.tag(), Settlement::Ack).unwrap();
        channel
            .cancel(&name(delivery.consumer_tag()), soon())
            .await
            .unwrap();
        // Dead-lettered, intact.
        let mut dead_letters = Consumer::start(&channel, &dead, false).await;
        let delivery = dead_letters.delivery().await;
        check(delivery.message());
        channel.settle(delivery.tag(), Settlement::Ack).unwrap();
        channel
            .cancel(&name(delivery.consumer_tag()), soon())
            .await
            .unwrap();
        channel.round_trip(soon()).await.unwrap();
        assert_eq!(
            waiting(&channel, &work).await + waiting(&channel, &dead).await,
            0
        );
    }
    for queue in [work, dead] {
        channel
            .delete_queue(&queue, false, false, soon())
            .await
            .unwrap();
    }
    link.close(soon()).await;
}
