//! What AMQP does not allow, what a panic does, and who is told.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use rmq_core::message::DeliveryFault;
use rmq_core::message::Message;
use rmq_core::transport::{
    CloseCause, Limits, Link, LinkSettings, LinkState, Pending, PublishSink, Token,
    TransportErrorKind, Verdict,
};
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;

use crate::fake::{self, Fake, Peer};
use crate::rig::{self, Heard, Publisher, Told, delivery_sink, name, soon, spec, verdict_sink};

/// A publishing channel with one publish in flight, on a fake.
async fn in_flight() -> (Link, Peer, Publisher) {
    let fake = Fake::start().await;
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    let (publisher, number) = tokio::join!(Publisher::open(&link), peer.open_channel(true));
    publisher.publish(&name("q"), &Message::new("m"), 7);
    assert_eq!(peer.expect(fake::PUBLISH).await.channel, number);
    peer.next().await;
    peer.next().await;
    (link, peer, publisher)
}

/// What the broker sends ends the link with these words, and the pending publish is told.
async fn ends_the_link(bytes: Vec<u8>, words: &str) {
    let (link, mut peer, mut publisher) = in_flight().await;
    peer.send(&bytes).await;
    let (cause, pending) = publisher.closed().await;
    assert!(
        cause.link && !cause.by_us && cause.text.contains(words),
        "{cause}"
    );
    assert_eq!(
        pending
            .iter()
            .map(|pending| pending.token)
            .collect::<Vec<_>>(),
        [7]
    );
    assert!(
        publisher
            .channel
            .publish(&name(""), &name("q"), &Message::new("m"), true, 8)
            .is_err()
    );
    link.state()
        .wait_for(|state| matches!(state, LinkState::Closed(_)))
        .await
        .unwrap();
    // The broker is told, too.
    peer.expect(fake::CLOSE).await;
    peer.until_gone().await;
}

fn confirm(tag: u64, multiple: bool) -> Vec<u8> {
    let mut arguments = tag.to_be_bytes().to_vec();
    arguments.push(u8::from(multiple));
    fake::method(1, fake::ACK, &arguments)
}

#[tokio::test]
async fn a_confirm_of_an_unknown_tag_ends_the_link() {
    ends_the_link(confirm(2, false), "publish 2").await;
    ends_the_link(confirm(2, true), "publish 2").await;
}

#[tokio::test]
async fn a_second_confirm_ends_the_link() {
    let mut both = confirm(1, false);
    both.extend(confirm(1, false));
    let (_link, mut peer, mut publisher) = in_flight().await;
    peer.send(&both).await;
    assert!(matches!(
        publisher.next().await,
        Told::Settled(7, Verdict::Ack)
    ));
    let (cause, pending) = publisher.closed().await;
    assert!(
        cause.text.contains("publish 1") && pending.is_empty(),
        "{cause}"
    );
}

#[tokio::test]
async fn a_return_of_something_that_is_not_in_flight_ends_the_link() {
    let mut arguments = 312_u16.to_be_bytes().to_vec();
    ["NO_ROUTE", "", "q"]
        .iter()
        .for_each(|text| arguments.extend(fake::short(text)));
    let mut frames = fake::method(1, (60, 50), &arguments);
    frames.extend(fake::content(1, &[0, 0], b"m"));
    ends_the_link(frames, "not in flight").await;
}

#[tokio::test]
async fn a_frame_over_the_agreed_size_ends_the_link_before_it_is_read() {
    ends_the_link(vec![3, 0, 1, 0x7f, 0xff, 0xff, 0xff], "over the limit").await;
}

#[tokio::test]
async fn a_frame_without_its_end_octet_ends_the_link() {
    ends_the_link(vec![8, 0, 0, 0, 0, 0, 0, 0], "end octet").await;
}

#[tokio::test]
async fn a_frame_of_unknown_type_ends_the_link() {
    ends_the_link(fake::frame(4, 0, &[]), "unknown type").await;
}

#[tokio::test]
async fn a_frame_on_a_channel_that_is_not_open_ends_the_link() {
    ends_the_link(fake::method(9, (60, 11), &[]), "channel 9").await;
}

#[tokio::test]
async fn content_that_nothing_announced_ends_the_link() {
    ends_the_link(fake::content(1, &[0, 0], b""), "announced").await;
    ends_the_link(fake::frame(3, 1, b"body"), "announced").await;
}

#[tokio::test]
async fn a_method_that_is_cut_off_ends_the_link() {
    ends_the_link(fake::method(1, fake::ACK, &[0, 0]), "cut off").await;
}

#[tokio::test]
async fn a_delivery_for_nobody_ends_the_link() {
    ends_the_link(fake::deliver(1, "nobody", 1), "nobody").await;
}

/// A consumer on a fake.
async fn consuming(limits: Limits) -> (Link, Peer, rig::Consumer, rmq_core::transport::Channel) {
    let fake = Fake::start().await;
    let settings = LinkSettings {
        limits,
        ..rig::settings(&fake.address())
    };
    let (link, mut peer) = tokio::join!(Link::open(settings), fake.greet());
    let link = link.unwrap();
    let (channel, number) = tokio::join!(link.open_channel(soon()), peer.open_channel(false));
    let (channel, (sink, consumer)) = (channel.unwrap(), delivery_sink());
    let (consumed, _) = tokio::join!(
        channel.consume(spec(&name("q"), "c", false), sink, soon()),
        peer.consume_ok(number),
    );
    consumed.unwrap();
    (link, peer, consumer, channel)
}

#[tokio::test]
async fn a_body_over_the_limit_is_left_out_and_the_next_message_comes() {
    let limits = Limits {
        body: 10,
        ..Limits::default()
    };
    let (_link, mut peer, mut consumer, channel) = consuming(limits).await;
    let mut frames = fake::deliver(1, "c", 1);
    frames.extend(fake::content(1, &[0, 0], b"0123456789"));
    frames.extend(fake::deliver(1, "c", 2));
    // In two frames, with a message id.
    frames.extend(fake::frame(
        2,
        1,
        &[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 0, 0x80, 2, b'm', b'2'],
    ));
    frames.extend(fake::frame(3, 1, b"01234"));
    frames.extend(fake::frame(3, 1, b"56789a"));
    frames.extend(fake::deliver(1, "c", 3));
    frames.extend(fake::content(1, &[0, 0], b"next"));
    peer.send(&frames).await;
    assert_eq!(consumer.delivery().await.message().body(), "0123456789");
    let large = consumer.delivery().await;
    let fault = DeliveryFault::Body {
        size: 11,
        limit: 10,
    };
    assert_eq!(large.fault(), Some(fault));
    assert_eq!(large.message_id().as_deref(), Some("m2"));
    channel
        .settle(large.tag(), rmq_core::transport::Settlement::Reject)
        .unwrap();
    let next = consumer.delivery().await;
    assert_eq!(
        (next.fault(), &**next.message().body()),
        (None, &b"next"[..])
    );
    let reject = peer.expect((60, 90)).await;
    assert_eq!(reject.payload[4..], [0, 0, 0, 0, 0, 0, 0, 2, 0]);
}

#[tokio::test]
async fn a_delivery_tag_that_does_not_rise_ends_the_link() {
    let (_link, mut peer, mut consumer, _channel) = consuming(Limits::default()).await;
    for _ in 0..2 {
        peer.send(&fake::deliver(1, "c", 5)).await;
        peer.send(&fake::content(1, &[0, 0], b"m")).await;
    }
    assert_eq!(consumer.delivery().await.tag(), 5);
    let Heard::Closed(cause) = consumer.next().await else {
        panic!()
    };
    assert!(cause.text.contains("tag 5"), "{cause}");
}

#[tokio::test]
async fn an_acknowledged_delivery_is_written_and_what_finished_meanwhile_goes_together() {
    let (_link, mut peer, mut consumer, channel) = consuming(Limits::default()).await;
    for tag in 1..=4 {
        peer.send(&fake::deliver(1, "c", tag)).await;
        peer.send(&fake::content(1, &[0, 0], b"m")).await;
    }
    for _ in 0..4 {
        consumer.delivery().await;
    }
    // On one thread nothing is written between these.
    for tag in [2, 1, 4] {
        channel
            .settle(tag, rmq_core::transport::Settlement::Ack)
            .unwrap();
    }
    let (first, second) = (peer.expect(fake::ACK).await, peer.expect(fake::ACK).await);
    assert_eq!(first.payload[4..], [0, 0, 0, 0, 0, 0, 0, 2, 1]);
    assert_eq!(second.payload[4..], [0, 0, 0, 0, 0, 0, 0, 4, 0]);
}

#[tokio::test]
async fn a_peer_that_does_not_speak_amqp_is_told_apart() {
    let fake = Fake::start().await;
    let opening = tokio::spawn(Link::open(rig::settings(&fake.address())));
    let mut peer = fake.accept().await;
    peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let error = opening.await.unwrap().unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Protocol, "{error}");
    let opening = tokio::spawn(Link::open(rig::settings(&fake.address())));
    let mut peer = fake.accept().await;
    peer.send(b"AMQP\x01\x01\x00\x09").await;
    let error = opening.await.unwrap().unwrap_err();
    assert!(error.text.contains("does not speak AMQP 0-9-1"), "{error}");
}

#[tokio::test]
async fn a_broker_that_hangs_up_in_the_handshake_may_come_back() {
    let fake = Fake::start().await;
    let opening = tokio::spawn(Link::open(rig::settings(&fake.address())));
    drop(fake.accept().await);
    let error = opening.await.unwrap().unwrap_err();
    assert_eq!(
        error.kind,
        TransportErrorKind::ConnectionClosed(0),
        "{error}"
    );
    assert!(error.is_transient());
}

struct Panicking(mpsc::UnboundedSender<(String, Vec<Token>)>);

impl PublishSink for Panicking {
    fn settled(&self, _: &mut Vec<(Token, Verdict)>) {
        panic!("a sink with a bug");
    }

    fn closed(&self, cause: &CloseCause, pending: Vec<Pending>) {
        let tokens = pending.into_iter().map(|pending| pending.token).collect();
        self.0.send((cause.text.to_string(), tokens)).unwrap();
    }
}

#[tokio::test]
async fn a_panic_in_the_reader_ends_the_link_and_every_pending_message_is_told() {
    let fake = Fake::start().await;
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    let (mut other, _) = tokio::join!(Publisher::open(&link), peer.open_channel(true));
    let (send, mut told) = mpsc::unbounded_channel();
    let (channel, _) = tokio::join!(
        link.open_publishing_channel(Arc::new(Panicking(send)), soon()),
        peer.open_channel(true)
    );
    let channel = channel.unwrap();
    for token in [1, 2, 3] {
        other.publish(&name("q"), &Message::new("m"), token);
        channel
            .publish(&name(""), &name("q"), &Message::new("m"), true, token)
            .unwrap();
    }
    let mut acks = fake::method(1, fake::ACK, &[0, 0, 0, 0, 0, 0, 0, 1, 0]);
    acks.extend(fake::method(2, fake::ACK, &[0, 0, 0, 0, 0, 0, 0, 1, 0]));
    peer.send(&acks).await;
    let (cause, pending) = told.recv().await.unwrap();
    assert!(cause.contains("reader panicked"), "{cause}");
    assert_eq!(pending, [2, 3]);
    // The neighbour has its verdict, although the panic came in the same read, and hears of the rest.
    assert!(matches!(other.next().await, Told::Settled(1, Verdict::Ack)));
    let (cause, pending) = other.closed().await;
    assert!(cause.text.contains("reader panicked"));
    assert_eq!(pending.len(), 2);
    peer.until_gone().await;
}

/// Passes on until it is tripped.
struct Tripwire<W>(W, Arc<AtomicBool>);

impl<W: AsyncWrite + Unpin> AsyncWrite for Tripwire<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        assert!(!self.1.load(Ordering::Relaxed), "a socket with a bug");
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn a_panic_in_the_writer_ends_the_link_and_every_pending_message_is_told() {
    let fake = Fake::start().await;
    let tripped = Arc::new(AtomicBool::new(false));
    let opening = async {
        let socket = tokio::net::TcpStream::connect(fake.address())
            .await
            .unwrap();
        let (reading, writing) = socket.into_split();
        Link::open_over(
            rig::settings(&fake.address()),
            reading,
            Tripwire(writing, Arc::clone(&tripped)),
        )
        .await
        .unwrap()
    };
    let (link, mut peer) = tokio::join!(opening, fake.greet());
    let (sink, told) = verdict_sink();
    let (channel, _) = tokio::join!(
        link.open_publishing_channel(sink, soon()),
        peer.open_channel(true)
    );
    let mut publisher = Publisher {
        channel: channel.unwrap(),
        told,
    };
    tripped.store(true, Ordering::Relaxed);
    publisher.publish(&name("q"), &Message::new("m"), 9);
    let (cause, pending) = publisher.closed().await;
    assert!(cause.text.contains("writer panicked"), "{cause}");
    assert_eq!(pending.len(), 1);
    peer.until_gone().await;
}
