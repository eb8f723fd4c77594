//! A large body holds up nothing else by more than a chunk: shown by the order of frames, not by a clock.

use rmq_core::message::Message;
use rmq_core::transport::{Channel, Link, LinkSettings, LinkState, Settlement};
use tokio::io::DuplexStream;

use crate::fake::{self, Fake, Peer};
use crate::rig::{self, Publisher, count, delivery_sink, name, soon, spec};

/// What goes of a large body before it is another's turn; a frame, where that is more.
const CHUNK: usize = 64 * 1024;
/// Far less than a chunk: of what the peer has not seen, no more than one chunk is under way.
const PIPE: usize = CHUNK / 4;

/// A link whose socket holds next to nothing, where the kernel's holds megabytes.
async fn over_a_pipe(fake: &Fake) -> (Link, Peer<DuplexStream>) {
    let (ours, theirs) = tokio::io::duplex(PIPE);
    let (reading, writing) = tokio::io::split(ours);
    let settings = LinkSettings {
        frame_max: fake.frame_max,
        ..rig::settings(&fake.address())
    };
    let opening = Link::open_over(settings, reading, writing);
    let (link, peer) = tokio::join!(opening, fake.greet_over(Peer::over(theirs)));
    (link.unwrap(), peer)
}

/// A channel with so many deliveries that wait for their acknowledgement: their tags, and its number.
async fn unacked(
    link: &Link,
    peer: &mut Peer<DuplexStream>,
    deliveries: u64,
) -> (Channel, u16, Vec<u64>) {
    let (channel, number) = tokio::join!(link.open_channel(soon()), peer.open_channel(false));
    let channel = channel.unwrap();
    let (sink, mut consumer) = delivery_sink();
    let queue = name("q");
    let consuming = channel.consume(spec(&queue, "c", false), sink, soon());
    let (consumed, _) = tokio::join!(consuming, peer.consume_ok(number));
    consumed.unwrap();
    let mut tags = Vec::new();
    for tag in 1..=deliveries {
        peer.send(&fake::deliver(number, "c", tag)).await;
        peer.send(&fake::content(number, &[0, 0], b"m")).await;
        tags.push(consumer.delivery().await.tag());
    }
    (channel, number, tags)
}

/// A body that arrives on its channel.
struct Body {
    channel: u16,
    left: usize,
}

impl Body {
    /// Publishes it, and another message behind it on its channel.
    async fn begin(large: &Publisher, peer: &mut Peer<DuplexStream>, size: usize) -> Self {
        large.publish(&name("q"), &Message::new(vec![7; size]), 1);
        large.publish(&name("q"), &Message::new("behind"), 2);
        let channel = peer.expect(fake::PUBLISH).await.channel;
        assert_eq!(peer.next().await.kind, 2);
        Self {
            channel,
            left: size,
        }
    }

    /// The bytes of a frame of it; the frames of one message are contiguous on their channel.
    fn takes(&mut self, frame: &fake::Frame) -> usize {
        assert_eq!((frame.kind, frame.channel), (3, self.channel));
        assert!(frame.payload.iter().all(|byte| *byte == 7));
        self.left -= frame.payload.len();
        frame.payload.len()
    }

    /// Nothing else is on its way: the rest of it comes, and then what was behind it.
    async fn ends(mut self, peer: &mut Peer<DuplexStream>) {
        while self.left > 0 {
            self.takes(&peer.next().await);
        }
        assert_eq!(peer.expect(fake::PUBLISH).await.channel, self.channel);
    }
}

async fn held_up_by_a_chunk(frame_max: u32) {
    let fake = Fake {
        heartbeat: 600,
        frame_max,
        ..Fake::start().await
    };
    let chunk = CHUNK.max(frame_max as usize - 8);
    let (link, mut peer) = over_a_pipe(&fake).await;
    let (large, _) = tokio::join!(Publisher::open(&link), peer.open_channel(true));
    let (small, publishing) = tokio::join!(Publisher::open(&link), peer.open_channel(true));
    let rounds = count(100, 8) as u64;
    let (channel, consuming, tags) = unacked(&link, &mut peer, rounds).await;
    let mut body = Body::begin(&large, &mut peer, count(64, 4) * 1024 * 1024).await;
    for tag in tags {
        // The body is under way, and the next chunk may be, too.
        body.takes(&peer.next().await);
        channel.settle(tag, Settlement::Ack).unwrap();
        small.publish(&name("q"), &Message::new("small"), tag);
        let (mut held_up, mut acked, mut published) = (0, false, false);
        while !(acked && published) {
            let frame = peer.next().await;
            if frame.channel == body.channel {
                held_up += body.takes(&frame);
                assert!(held_up <= chunk, "held up by {held_up} bytes");
            }
            acked |= frame.channel == consuming && frame.method() == Some(fake::ACK);
            // Its last frame.
            published |= frame.channel == publishing && frame.kind == 3;
        }
    }
    body.ends(&mut peer).await;
}

#[tokio::test]
async fn a_large_publish_holds_up_acks_and_other_channels_by_a_chunk() {
    held_up_by_a_chunk(131_072).await;
    held_up_by_a_chunk(4_096).await;
}

/// While a body flows, each of its frames is a sign of life, so none is needed from us. What must not wait behind it is
/// what the peer says, and ours when the body is through.
#[tokio::test]
async fn heartbeats_go_on_when_a_large_publish_is_stuck_and_when_it_is_through() {
    let beat = fake::frame(8, 0, &[]);
    let fake = Fake {
        heartbeat: 1,
        ..Fake::start().await
    };
    let (_idle, mut clock) = tokio::join!(rig::link_to(&fake), fake.greet());
    let (link, mut peer) = over_a_pipe(&fake).await;
    let (large, _) = tokio::join!(Publisher::open(&link), peer.open_channel(true));
    let body = Body::begin(&large, &mut peer, 1024 * 1024).await;
    // Six beats of another link span more than two intervals.
    for _ in 0..6 {
        assert_eq!(clock.any().await.kind, 8);
        clock.send(&beat).await;
        peer.send(&beat).await;
    }
    assert_eq!(*link.state().borrow(), LinkState::Open);
    body.ends(&mut peer).await;
    // Header and body of what was behind it.
    peer.next().await;
    peer.next().await;
    assert_eq!(peer.any().await.kind, 8);
}
