//! Publish, verdict, deliver, settle, get, declare: the plain conversation.

use rmq_core::message::Message;
use rmq_core::transport::{Settlement, Verdict};

use crate::rig::{Consumer, Publisher, link, name, queue, soon, waiting};

pub async fn a_publish_has_its_verdict_and_a_delivery_is_acknowledged(address: &str) {
    let link = link(address).await;
    assert_eq!(link.broker().0, "RabbitMQ");
    let channel = link.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    let mut publisher = Publisher::open(&link).await;
    for token in 0..100 {
        publisher.publish(
            &queue,
            &Message::new(format!("body {token}")).with_header("x-n", token as i64),
            token,
        );
    }
    publisher.publish(
        &name("nobody-listens-here"),
        &Message::new("lost").with_message_id("m1"),
        100,
    );
    let verdicts = publisher.verdicts(101).await;
    for token in 0..100 {
        assert!(matches!(verdicts[&token], Verdict::Ack), "{token}");
    }
    let Verdict::Returned(returned) = &verdicts[&100] else {
        panic!("{:?}", verdicts[&100])
    };
    assert_eq!(
        (returned.reply_code(), returned.routing_key()),
        (312, "nobody-listens-here")
    );
    assert_eq!(returned.message().message_id(), Some("m1"));
    assert_eq!(returned.message().body(), "lost");
    assert!(returned.message().properties().headers.is_empty());

    channel.qos(30, soon()).await.unwrap();
    let mut consumer = Consumer::start(&channel, &queue, false).await;
    for token in 0..100_i64 {
        let delivery = consumer.delivery().await;
        assert_eq!(delivery.message.body(), &format!("body {token}"));
        assert_eq!(
            delivery
                .message
                .header("x-n")
                .and_then(rmq_core::message::Value::as_i64),
            Some(token)
        );
        assert_eq!(
            (
                delivery.generation,
                &*delivery.routing_key,
                delivery.redelivered
            ),
            (channel.generation(), queue.as_str(), false)
        );
        channel.settle(delivery.tag, Settlement::Ack).unwrap();
        assert!(channel.settle(delivery.tag, Settlement::Ack).is_err());
    }
    assert!(channel.unproven() > 0);
    channel.round_trip(soon()).await.unwrap();
    assert_eq!(channel.unproven(), 0);
    channel.close(soon()).await;
    let other = link.open_channel(soon()).await.unwrap();
    assert_eq!(waiting(&other, &queue).await, 0);
    other
        .delete_queue(&queue, false, false, soon())
        .await
        .unwrap();
    link.close(soon()).await;
}
