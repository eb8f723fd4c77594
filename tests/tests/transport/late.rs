//! Deliveries behind the end of their consumer. What the broker forgets as it sends it is never dropped; what it
//! remembers goes back.

use rmq_core::transport::{Channel, Link};

use crate::fake::{self, Fake, Peer};
use crate::rig::{self, Consumer, Heard, delivery_sink, name, soon, spec};

const CANCEL: (u16, u16) = (60, 30);
const CANCEL_OK: (u16, u16) = (60, 31);
const NACK: (u16, u16) = (60, 120);

struct Stage {
    _link: Link,
    channel: Channel,
    number: u16,
    peer: Peer,
    consumer: Consumer,
    tag: String,
}

impl Stage {
    /// A consumer `c`, on a fake.
    async fn set(no_ack: bool) -> Self {
        let fake = Fake::start().await;
        let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
        let (channel, number) = tokio::join!(link.open_channel(soon()), peer.open_channel(false));
        let (channel, (sink, consumer)) = (channel.unwrap(), delivery_sink());
        let (consumed, _) = tokio::join!(
            channel.consume(spec(&name("q"), "c", no_ack), sink, soon()),
            peer.consume_ok(number),
        );
        consumed.unwrap();
        Self {
            _link: link,
            channel,
            number,
            peer,
            consumer,
            tag: "c".into(),
        }
    }

    /// Another consumer on the same channel.
    async fn next(&mut self, tag: &str) {
        let (sink, consumer) = delivery_sink();
        let (consumed, _) = tokio::join!(
            self.channel
                .consume(spec(&name("q"), tag, true), sink, soon()),
            self.peer.consume_ok(self.number),
        );
        consumed.unwrap();
        (self.consumer, self.tag) = (consumer, tag.into());
    }

    fn late(&self, tag: u64) -> Vec<u8> {
        let mut frames = fake::deliver(self.number, &self.tag, tag);
        frames.extend(fake::content(self.number, &[0, 0], b"late"));
        frames
    }

    /// We cancel; the broker's answer comes together with a delivery behind it.
    async fn cancel(&mut self) {
        let mut answer = fake::method(self.number, CANCEL_OK, &fake::short(&self.tag));
        answer.extend(self.late(7));
        let (peer, consumer) = (&mut self.peer, name(&self.tag));
        let (cancelled, ()) = tokio::join!(self.channel.cancel(&consumer, soon()), async {
            peer.expect(CANCEL).await;
            peer.send(&answer).await;
        });
        cancelled.unwrap();
    }

    /// The channel is closed, and a delivery comes before the answer.
    async fn closes_behind_a_late_one(&mut self) {
        let mut answer = self.late(7);
        answer.extend(fake::method(self.number, fake::CHANNEL_CLOSE_OK, &[]));
        let peer = &mut self.peer;
        tokio::join!(self.channel.close(soon()), async {
            peer.expect(fake::CHANNEL_CLOSE).await;
            peer.send(&answer).await;
        });
    }

    async fn hears_the_late_one(&mut self) {
        assert_eq!(&**self.consumer.delivery().await.message().body(), b"late");
    }
}

#[tokio::test]
async fn without_acknowledgement_a_delivery_behind_our_cancel_reaches_its_consumer() {
    let mut stage = Stage::set(true).await;
    stage.cancel().await;
    stage.hears_the_late_one().await;
}

#[tokio::test]
async fn with_acknowledgement_a_delivery_behind_our_cancel_goes_back() {
    let mut stage = Stage::set(false).await;
    stage.cancel().await;
    let nack = stage.peer.expect(NACK).await;
    assert_eq!(nack.payload[4..], [0, 0, 0, 0, 0, 0, 0, 7, 0b10]);
    assert!(stage.consumer.0.try_recv().is_err());
}

#[tokio::test]
async fn without_acknowledgement_a_delivery_behind_the_brokers_cancel_reaches_its_consumer() {
    let mut stage = Stage::set(true).await;
    let mut arguments = fake::short("c");
    arguments.push(1);
    let mut frames = fake::method(stage.number, CANCEL, &arguments);
    frames.extend(stage.late(7));
    stage.peer.send(&frames).await;
    assert!(matches!(stage.consumer.next().await, Heard::Cancelled));
    stage.hears_the_late_one().await;
}

#[tokio::test]
async fn without_acknowledgement_a_delivery_reaches_its_consumer_while_the_channel_closes() {
    let mut stage = Stage::set(true).await;
    stage.closes_behind_a_late_one().await;
    stage.hears_the_late_one().await;
    assert!(matches!(stage.consumer.next().await, Heard::Closed(_)));
}

#[tokio::test]
async fn with_acknowledgement_a_delivery_is_left_to_the_broker_while_the_channel_closes() {
    let mut stage = Stage::set(false).await;
    stage.closes_behind_a_late_one().await;
    assert!(matches!(stage.consumer.next().await, Heard::Closed(_)));
}

/// Cancelled consumers are remembered for a while, the newest longest.
#[tokio::test]
async fn a_late_delivery_finds_its_consumer_after_many_others() {
    let mut stage = Stage::set(true).await;
    for n in 0..40 {
        stage.cancel().await;
        stage.hears_the_late_one().await;
        let late = stage.late(7);
        let mut cancelled = std::mem::replace(&mut stage.consumer, delivery_sink().1);
        stage.next(&format!("c{n}")).await;
        stage.peer.send(&late).await;
        assert_eq!(&**cancelled.delivery().await.message().body(), b"late");
    }
}

/// The place of a cancelled consumer is taken by the next one of its name; what came for the first is not its.
#[tokio::test]
async fn a_late_delivery_is_not_its_successors() {
    let mut stage = Stage::set(true).await;
    stage.cancel().await;
    let (sink, mut successor) = delivery_sink();
    let (number, peer) = (stage.number, &mut stage.peer);
    let (consumed, _) = tokio::join!(
        stage
            .channel
            .consume(spec(&name("q"), "c", true), sink, soon()),
        peer.consume_ok(number),
    );
    consumed.unwrap();
    stage.hears_the_late_one().await;
    assert!(successor.0.try_recv().is_err());
    let mut frames = fake::deliver(number, "c", 8);
    frames.extend(fake::content(number, &[0, 0], b"its own"));
    stage.peer.send(&frames).await;
    assert_eq!(&**successor.delivery().await.message().body(), b"its own");
}
