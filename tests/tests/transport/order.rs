//! A large body holds up nothing else by more than a chunk: shown by the order of frames, not by a clock.

use rmq_core::message::Message;
use rmq_core::transport::Settlement;

use crate::fake::{self, Fake};
use crate::rig::{self, Publisher, delivery_sink, name, soon, spec};

const SIZE: usize = 64 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_publish_holds_up_acks_heartbeats_and_other_channels_by_a_chunk() {
    let fake = Fake {
        heartbeat: 600,
        ..Fake::start().await
    };
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    let (large, large_channel) = tokio::join!(Publisher::open(&link), peer.open_channel(true));
    let (small, small_channel) = tokio::join!(Publisher::open(&link), peer.open_channel(true));
    let (consuming, consuming_channel) =
        tokio::join!(link.open_channel(soon()), peer.open_channel(false));
    let consuming = consuming.unwrap();
    let (sink, mut consumer) = delivery_sink();
    let (consumed, ()) = tokio::join!(
        consuming.consume(spec(&name("q"), "c", false), sink, soon()),
        async {
            peer.expect(fake::CONSUME).await;
            peer.send(&fake::method(
                consuming_channel,
                (60, 21),
                &fake::short("c"),
            ))
            .await;
            peer.send(&fake::deliver(consuming_channel, "c", 1)).await;
            peer.send(&fake::content(consuming_channel, &[0, 0], b"m"))
                .await;
        }
    );
    consumed.unwrap();
    let delivery = consumer.delivery().await;

    large.publish(&name("q"), &Message::new(vec![7; SIZE]), 1);
    // Behind it on its own channel.
    large.publish(&name("q"), &Message::new("behind"), 2);
    peer.expect(fake::PUBLISH).await;
    assert_eq!(peer.next().await.kind, 2);
    // The socket takes a few megabytes and no more: the rest of the body waits here while these are appended.
    let first = peer.next().await;
    assert_eq!((first.kind, first.channel), (3, large_channel));
    consuming.settle(delivery.tag(), Settlement::Ack).unwrap();
    small.publish(&name("q"), &Message::new("small"), 1);
    let control = tokio::spawn(async move {
        let done = consuming.round_trip(soon()).await;
        (done, consuming)
    });

    let (mut body, mut waited, mut others) = (first.payload.len(), 0, Vec::new());
    while body < SIZE {
        let frame = peer.next().await;
        if frame.channel == large_channel {
            assert_eq!(
                frame.kind, 3,
                "the frames of one message are contiguous on their channel"
            );
            assert!(frame.payload.iter().all(|byte| *byte == 7));
            body += frame.payload.len();
            waited += usize::from(others.is_empty());
        } else {
            others.push((frame.channel, frame.kind));
            if frame.method() == Some(fake::QOS) {
                peer.send(&fake::method(consuming_channel, (60, 11), &[]))
                    .await;
            }
        }
    }
    assert_eq!(body, SIZE);
    // They went as soon as the socket took anything: long before the end, and not behind the body.
    let (small, acks) = ((small_channel, 1), (consuming_channel, 1));
    assert!(
        others.contains(&small) && others.contains(&acks),
        "{others:?}"
    );
    assert!(waited < SIZE / 131_064 / 2, "{waited} chunks went first");
    control.await.unwrap().0.unwrap();
    assert_eq!(peer.expect(fake::PUBLISH).await.channel, large_channel);
}
