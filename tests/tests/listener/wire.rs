//! What a listener writes when it stops, and what it makes of what comes then: against a broker that the tests script.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rmq_core::connection::{ChannelLease, Connection, Purpose};
use rmq_core::handler::Handler;
use rmq_core::listener::{
    AcknowledgeMode, ConfirmedPublisher, EndpointSettings, ExecutorSettings, ListenerParts,
    ListenerRegistry, ListenerState, Unconfirmed, UnsettledDelivery,
};
use rmq_core::message::Message;
use rmq_core::name::Name;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::fake::{self, Fake, Peer};
use super::rig::{
    Notes, check_ledger, connection, done, endpoint, failed, handler, listener, soon, until_state,
};

pub const QOS_OK: (u16, u16) = (60, 11);
pub const CANCEL: (u16, u16) = (60, 30);
pub const CANCEL_OK: (u16, u16) = (60, 31);
pub const NACK: (u16, u16) = (60, 120);

/// Nothing is published here.
struct Nobody;

impl ConfirmedPublisher for Nobody {
    fn publish(&self, _: Name, _: Name, _: Message) -> BoxFuture<'_, Result<(), Unconfirmed>> {
        unreachable!()
    }
}

pub struct Stage {
    pub connection: Connection,
    pub registry: ListenerRegistry,
    pub peer: Peer,
    pub channel: u16,
    pub consumer: String,
    /// What the handlers were called with.
    pub seen: Arc<Notes<String>>,
    /// Lets one handler end.
    pub gate: Arc<Semaphore>,
    leased: Vec<ChannelLease>,
}

impl Stage {
    /// A listener that consumes.
    pub async fn set(settings: EndpointSettings) -> Self {
        let (seen, gate) = (Notes::new(), Arc::new(Semaphore::new(0)));
        let (noting, waiting) = (Arc::clone(&seen), Arc::clone(&gate));
        let handler = handler(move |delivery| {
            noting.note(delivery.body);
            let gate = Arc::clone(&waiting);
            async move {
                gate.acquire().await.unwrap().forget();
                done()
            }
        });
        Self::with(settings, handler, seen, gate).await
    }

    /// One whose handler fails.
    pub async fn failing(settings: EndpointSettings) -> Self {
        let seen = Notes::new();
        let noting = Arc::clone(&seen);
        let handler = handler(move |delivery| {
            noting.note(delivery.body);
            async { failed("not today") }
        });
        Self::with(settings, handler, seen, Arc::new(Semaphore::new(0))).await
    }

    async fn with(
        settings: EndpointSettings,
        handler: Handler,
        seen: Arc<Notes<String>>,
        gate: Arc<Semaphore>,
    ) -> Self {
        let fake = Fake::start().await;
        let connection = connection(&fake.address(), Purpose::Consuming);
        let (started, mut peer) = tokio::join!(connection.start(soon()), fake.greet());
        started.unwrap();
        let acknowledges = settings.acknowledge != AcknowledgeMode::None;
        let parts = ListenerParts {
            consuming: connection.clone(),
            unacknowledged: connection.clone(),
            publisher: Arc::new(Nobody),
            admin: None,
            executor: ExecutorSettings::default(),
        };
        let registry = ListenerRegistry::new(vec![endpoint(settings, handler)], parts);
        registry.start_auto();
        let channel = peer.open_channel(false).await;
        if acknowledges {
            qos(&mut peer).await;
        }
        let consumer = peer.consume_ok(channel).await;
        registry.wait_consuming(soon()).await.unwrap();
        Self {
            connection,
            registry,
            peer,
            channel,
            consumer,
            seen,
            gate,
            leased: Vec::new(),
        }
    }

    async fn mode_none() -> Self {
        let mut settings = listener("none", "q");
        settings.acknowledge = AcknowledgeMode::None;
        Self::set(settings).await
    }

    /// A delivery with body and message id `m<tag>`.
    pub fn delivery(&self, tag: u64) -> Vec<u8> {
        self.delivery_of(tag, &format!("m{tag}"))
    }

    /// A delivery with this body and message id.
    pub fn delivery_of(&self, tag: u64, id: &str) -> Vec<u8> {
        let mut properties = vec![0, 0x80];
        properties.extend(fake::short(id));
        let mut frames = fake::deliver(self.channel, &self.consumer, tag);
        frames.extend(fake::content(self.channel, &properties, id.as_bytes()));
        frames
    }

    pub async fn deliver(&mut self, tags: std::ops::RangeInclusive<u64>) {
        for tag in tags {
            let frames = self.delivery(tag);
            self.peer.send(&frames).await;
        }
    }

    /// What the listener had asked for would be here before another channel is open. Two: when the first is, what was
    /// sent before it is read, and what the listener makes of that is asked before the second.
    pub async fn nothing_asked(&mut self) {
        for _ in 0..2 {
            let (other, _) =
                tokio::join!(self.connection.lease(soon()), self.peer.open_channel(false));
            // Given back, it would be taken again without a word.
            self.leased.push(other.unwrap());
        }
    }

    /// The broker closes the channel; the listener comes back on another one.
    pub async fn lose_the_channel(&mut self) {
        let mut why = 406_u16.to_be_bytes().to_vec();
        why.extend(fake::short(
            "PRECONDITION_FAILED - delivery acknowledgement timed out",
        ));
        why.extend([0; 4]);
        let close = fake::method(self.channel, fake::CHANNEL_CLOSE, &why);
        self.peer.send(&close).await;
        self.peer.expect(fake::CHANNEL_CLOSE_OK).await;
    }

    /// Begins to stop everything.
    pub async fn stop(&self) -> JoinHandle<Vec<UnsettledDelivery>> {
        let registry = self.registry.clone();
        let stopping = tokio::spawn(async move { registry.stop_all(soon()).await });
        let id = self.registry.list().remove(0).id;
        until_state(&self.registry, &id, |state| {
            *state == ListenerState::Stopping
        })
        .await;
        stopping
    }

    /// Answers the cancel, with `more` right behind the answer.
    pub async fn cancel_ok(&mut self, more: &[u8]) {
        self.peer.expect(CANCEL).await;
        let mut answer = fake::method(self.channel, CANCEL_OK, &fake::short(&self.consumer));
        answer.extend(more);
        self.peer.send(&answer).await;
    }

    /// Answers the close, with `more` right before the answer.
    pub async fn close_ok(&mut self, mut more: Vec<u8>) {
        self.peer.expect(fake::CHANNEL_CLOSE).await;
        more.extend(fake::method(self.channel, fake::CHANNEL_CLOSE_OK, &[]));
        self.peer.send(&more).await;
    }

    /// The next frame settles this delivery alone.
    pub async fn settles(&mut self, method: (u16, u16), tag: u64) {
        let frame = self.peer.expect(method).await;
        let flags = if method == NACK { 0b10 } else { 0 };
        assert_eq!(frame.payload[4..12], tag.to_be_bytes(), "{frame:?}");
        assert_eq!(frame.payload[12], flags, "{frame:?}");
    }
}

pub async fn qos(peer: &mut Peer) {
    let channel = peer.expect(fake::QOS).await.channel;
    peer.send(&fake::method(channel, QOS_OK, &[])).await;
}

/// Only a cancel is answered by a quorum queue itself, behind everything that was sent to it before.
#[tokio::test]
async fn a_stop_with_a_large_prefetch_acknowledges_and_then_cancels_and_then_hands_back() {
    let mut settings = listener("large", "q");
    settings.prefetch = 17;
    let mut stage = Stage::set(settings).await;
    stage.deliver(1..=3).await;
    assert_eq!(stage.seen.next().await, "m1");
    let stopping = stage.stop().await;
    // It has not cancelled.
    stage.nothing_asked().await;
    stage.gate.add_permits(1);
    stage.settles(fake::ACK, 1).await;
    // What comes now goes back, too.
    let more = stage.delivery(4);
    stage.peer.send(&more).await;
    stage.cancel_ok(&[]).await;
    for tag in 2..=4 {
        stage.settles(NACK, tag).await;
    }
    qos(&mut stage.peer).await;
    stage.close_ok(Vec::new()).await;
    assert_eq!(stopping.await.unwrap(), []);
    check_ledger(&stage.registry);
    let ledger = stage.registry.ledger().deliveries;
    assert_eq!((ledger.acknowledged, ledger.requeued), (1, 3), "{ledger}");
}

/// So few commands are never held back.
#[tokio::test]
async fn a_stop_with_a_small_prefetch_hands_back_while_the_handler_runs() {
    let mut settings = listener("small", "q");
    settings.prefetch = 16;
    let mut stage = Stage::set(settings).await;
    stage.deliver(1..=3).await;
    assert_eq!(stage.seen.next().await, "m1");
    let stopping = stage.stop().await;
    stage.cancel_ok(&[]).await;
    for tag in 2..=3 {
        stage.settles(NACK, tag).await;
    }
    stage.gate.add_permits(1);
    stage.settles(fake::ACK, 1).await;
    qos(&mut stage.peer).await;
    stage.close_ok(Vec::new()).await;
    assert_eq!(stopping.await.unwrap(), []);
    check_ledger(&stage.registry);
}

#[tokio::test]
async fn without_acknowledgements_a_delivery_behind_the_cancel_is_handled() {
    let mut stage = Stage::mode_none().await;
    let stopping = stage.stop().await;
    let late = stage.delivery(7);
    stage.cancel_ok(&late).await;
    qos(&mut stage.peer).await;
    assert_eq!(stage.seen.next().await, "m7");
    stage.gate.add_permits(1);
    stage.close_ok(Vec::new()).await;
    assert_eq!(stopping.await.unwrap(), []);
    check_ledger(&stage.registry);
    let ledger = stage.registry.ledger();
    assert_eq!(ledger.deliveries.acknowledged, 1);
    assert_eq!(ledger.lost_without_acknowledgement, 0);
}

#[tokio::test]
async fn without_acknowledgements_a_delivery_behind_the_end_is_counted_and_told_by_id() {
    let mut stage = Stage::mode_none().await;
    let stopping = stage.stop().await;
    stage.cancel_ok(&[]).await;
    qos(&mut stage.peer).await;
    let late = stage.delivery(7);
    stage.close_ok(late).await;
    let unsettled = stopping.await.unwrap();
    assert_eq!(unsettled.len(), 1, "{unsettled:?}");
    assert_eq!(unsettled[0].message_id.as_deref(), Some("m7"));
    assert!(unsettled[0].lost);
    check_ledger(&stage.registry);
    assert_eq!(stage.registry.ledger().lost_without_acknowledgement, 1);
    assert_eq!(stage.registry.ledger().deliveries.delivered, 1);
}

/// Nothing but memory bounds what the broker sends without acknowledgements: so at eight prefetches that wait the
/// consumer is cancelled, and at half of it there is a new one.
#[tokio::test]
async fn without_acknowledgements_eight_prefetches_wait_in_memory_and_no_more_is_asked_for() {
    let mut settings = listener("none", "q");
    settings.acknowledge = AcknowledgeMode::None;
    settings.prefetch = 2;
    let mut stage = Stage::set(settings).await;
    stage.deliver(1..=1).await;
    assert_eq!(stage.seen.next().await, "m1");
    // One is handled and 15 wait.
    stage.deliver(2..=16).await;
    stage.nothing_asked().await;
    stage.deliver(17..=17).await;
    let late = [stage.delivery(18), stage.delivery(19)].concat();
    stage.cancel_ok(&late).await;
    // 18 wait. Nine do when the tenth is begun, and eight when the eleventh is.
    stage.gate.add_permits(9);
    for tag in 2..=10 {
        assert_eq!(stage.seen.next().await, format!("m{tag}"));
    }
    stage.nothing_asked().await;
    stage.gate.add_permits(1);
    assert_eq!(stage.seen.next().await, "m11");
    stage.gate.add_permits(1);
    stage.consumer = stage.peer.consume_ok(stage.channel).await;
    stage.deliver(20..=20).await;
    stage.gate.add_permits(9);
    for tag in 12..=20 {
        assert_eq!(stage.seen.next().await, format!("m{tag}"));
    }
    let stopping = stage.stop().await;
    stage.cancel_ok(&[]).await;
    qos(&mut stage.peer).await;
    stage.close_ok(Vec::new()).await;
    assert_eq!(stopping.await.unwrap(), []);
    check_ledger(&stage.registry);
    let ledger = stage.registry.ledger();
    assert_eq!(ledger.deliveries.acknowledged, 20, "{}", ledger.deliveries);
    assert_eq!(ledger.lost_without_acknowledgement, 0);
}
