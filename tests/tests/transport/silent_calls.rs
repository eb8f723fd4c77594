//! Every call has a deadline: a broker that takes it and then says nothing.

use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use rmq_core::time::Deadline;
use rmq_core::transport::{
    Channel, Link, LinkSettings, LinkState, TransportError, TransportErrorKind,
};

use crate::fake::{self, Fake};
use crate::rig::{self, LONG, delivery_sink, name, soon, spec, verdict_sink};

const SHORT: Duration = Duration::from_millis(300);

const CANCEL: (u16, u16) = (60, 30);

/// A call on a channel: what it says it was doing, what it sends, and itself.
type Call = (
    &'static str,
    (u16, u16),
    fn(Channel, Deadline) -> BoxFuture<'static, Result<(), TransportError>>,
);

/// Every one that waits for an answer.
const CALLS: &[Call] = &[
    ("declare exchange `e`", (40, 10), |channel, by| {
        Box::pin(async move {
            let [durable, no] = [true, false];
            let (e, none) = (name("e"), Vec::new());
            channel
                .declare_exchange(&e, "topic", no, durable, no, no, none, by)
                .await
        })
    }),
    ("delete exchange `e`", (40, 20), |channel, by| {
        Box::pin(async move { channel.delete_exchange(&name("e"), false, by).await })
    }),
    ("bind exchange `e`", (40, 30), |channel, by| {
        Box::pin(async move {
            let [to, from, key] = ["e", "f", "key"].map(name);
            channel
                .bind_exchange(&to, &from, &key, Vec::new(), by)
                .await
        })
    }),
    ("unbind exchange `e`", (40, 40), |channel, by| {
        Box::pin(async move {
            let [to, from, key] = ["e", "f", "key"].map(name);
            let unbound = channel.unbind_exchange(&to, &from, &key, Vec::new(), by);
            unbound.await
        })
    }),
    ("declare queue `q`", (50, 10), |channel, by| {
        Box::pin(async move {
            let [durable, no] = [true, false];
            let (q, none) = (name("q"), Vec::new());
            let declared = channel.declare_queue(&q, no, durable, no, no, none, by);
            declared.await.map(drop)
        })
    }),
    ("bind queue `q`", (50, 20), |channel, by| {
        Box::pin(async move {
            let [queue, from, key] = ["q", "e", "key"].map(name);
            channel
                .bind_queue(&queue, &from, &key, Vec::new(), by)
                .await
        })
    }),
    ("purge queue `q`", (50, 30), |channel, by| {
        Box::pin(async move { channel.purge_queue(&name("q"), by).await.map(drop) })
    }),
    ("delete queue `q`", (50, 40), |channel, by| {
        Box::pin(async move {
            let queue = name("q");
            channel
                .delete_queue(&queue, false, false, by)
                .await
                .map(drop)
        })
    }),
    ("unbind queue `q`", (50, 50), |channel, by| {
        Box::pin(async move {
            let [queue, from, key] = ["q", "e", "key"].map(name);
            channel
                .unbind_queue(&queue, &from, &key, Vec::new(), by)
                .await
        })
    }),
    ("set the prefetch to 7", fake::QOS, |channel, by| {
        Box::pin(async move { channel.qos(7, by).await })
    }),
    ("make a round trip", fake::QOS, |channel, by| {
        Box::pin(async move { channel.round_trip(by).await })
    }),
    ("consume from queue `q`", fake::CONSUME, |channel, by| {
        Box::pin(async move {
            let (sink, _consumer) = delivery_sink();
            let spec = spec(&name("q"), "c", false);
            channel.consume(spec, sink, by).await
        })
    }),
    ("cancel consumer `c`", CANCEL, |channel, by| {
        Box::pin(async move {
            let (sink, _consumer) = delivery_sink();
            let spec = spec(&name("q"), "c", false);
            channel.consume(spec, sink, soon()).await?;
            channel.cancel(&name("c"), by).await
        })
    }),
    ("get", fake::GET, |channel, by| {
        Box::pin(async move { channel.get(&name("q"), false, by).await.map(drop) })
    }),
];

/// The call ends with its deadline and costs its channel, and nothing else.
async fn misses_its_deadline(&(doing, method, call): &Call) {
    let fake = Fake::start().await;
    // No other deadline ends it within this test.
    let settings = LinkSettings {
        rpc_timeout: 2 * LONG,
        ..rig::settings(&fake.address())
    };
    let (link, mut peer) = tokio::join!(Link::open(settings), fake.greet());
    let link = link.unwrap();
    let (channel, number) = tokio::join!(link.open_channel(soon()), peer.open_channel(false));
    let channel = channel.unwrap();
    let called = tokio::spawn(call(channel.clone(), Deadline::after(SHORT)));
    if method == CANCEL {
        peer.consume_ok(number).await;
    }
    peer.expect(method).await;
    let missed = tokio::time::timeout(LONG, called).await.unwrap();
    let error = missed.unwrap().unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Deadline, "{error}");
    assert!(error.doing.contains(doing), "{doing}: {error}");
    assert_eq!(peer.expect(fake::CHANNEL_CLOSE).await.channel, number);
    peer.send(&fake::method(number, fake::CHANNEL_CLOSE_OK, &[]))
        .await;
    assert!(channel.closed().await.by_us);
    let late = channel.qos(1, soon()).await.unwrap_err();
    assert_eq!(late.kind, TransportErrorKind::ChannelClosed(0), "{late}");
    let (other, _) = tokio::join!(link.open_channel(soon()), peer.open_channel(false));
    other.unwrap();
}

#[tokio::test]
async fn every_call_that_misses_its_deadline_closes_its_channel_and_nothing_else() {
    join_all(CALLS.iter().map(misses_its_deadline)).await;
}

#[tokio::test]
async fn a_new_secret_that_is_not_answered_costs_nothing_but_its_deadline() {
    const UPDATE_SECRET: (u16, u16) = (10, 70);
    let answer = fake::method(0, (10, 71), &[]);
    let fake = Fake::start().await;
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    let update = link.update_secret("new", "refreshed", Deadline::after(SHORT));
    let error = update.await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Deadline, "{error}");
    assert!(error.doing.contains("secret"), "{error}");
    peer.expect(UPDATE_SECRET).await;
    let (channel, _) = tokio::join!(link.open_channel(soon()), peer.open_channel(false));
    let _serving = channel.unwrap();
    // Its answer comes after all, and is not taken for that of the next.
    peer.send(&answer).await;
    let next = link.update_secret("newer", "refreshed", soon());
    let (next, ()) = tokio::join!(next, async {
        peer.expect(UPDATE_SECRET).await;
        peer.send(&answer).await;
    });
    next.unwrap();
}

#[tokio::test]
async fn opening_a_channel_has_a_deadline() {
    let fake = Fake::start().await;
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    let error = link.open_channel(Deadline::after(SHORT)).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Deadline);
    // It opens after all: it is closed again, and its number is free.
    let late = peer.open_channel(false).await;
    assert_eq!(peer.expect(fake::CHANNEL_CLOSE).await.channel, late);
}

#[tokio::test]
async fn switching_confirms_on_has_a_deadline_and_closes_the_channel() {
    let fake = Fake::start().await;
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    let (sink, _told) = verdict_sink();
    let opening = tokio::spawn(async move {
        (
            link.open_publishing_channel(sink, Deadline::after(SHORT))
                .await,
            link,
        )
    });
    peer.open_channel(false).await;
    peer.expect(fake::CONFIRM_SELECT).await;
    let (opened, _link) = opening.await.unwrap();
    assert_eq!(opened.unwrap_err().kind, TransportErrorKind::Deadline);
    peer.expect(fake::CHANNEL_CLOSE).await;
}

#[tokio::test]
async fn a_channel_close_that_is_not_answered_drops_the_link() {
    let fake = Fake::start().await;
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    let opening = tokio::spawn(async move { (link.open_channel(soon()).await.unwrap(), link) });
    peer.open_channel(false).await;
    let (channel, link) = opening.await.unwrap();
    channel.close(Deadline::after(SHORT)).await;
    peer.until_gone().await;
    link.state()
        .wait_for(|state| matches!(state, LinkState::Closed(_)))
        .await
        .unwrap();
}
