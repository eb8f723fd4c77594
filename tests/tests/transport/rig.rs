//! What the tests of this room share: settings, and sinks that write down what they are told.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rmq_core::message::{Delivery, Message};
use rmq_core::name::Name;
use rmq_core::time::Deadline;
use rmq_core::transport::{
    Channel, CloseCause, Credentials, DeliverySink, Limits, Link, LinkSettings, Pending,
    PublishSink, Target, Token, Verdict,
};
use tokio::sync::mpsc;

/// Far beyond what anything here takes: a test that waits this long has failed.
pub const LONG: Duration = Duration::from_secs(60);

pub fn soon() -> Deadline {
    Deadline::after(LONG)
}

pub fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

/// The numbers, or a smaller count that shows the same.
pub fn count(full: usize, quick: usize) -> usize {
    if std::env::var_os("RMQ_TEST_FULL").is_some() {
        full
    } else {
        quick
    }
}

pub fn settings(address: &str) -> LinkSettings {
    let (host, port) = address.rsplit_once(':').unwrap();
    LinkSettings {
        name: "rmq transport tests".into(),
        target: Target::Tcp {
            host: host.into(),
            port: port.parse().unwrap(),
            tls: None,
        },
        credentials: Credentials::Plain {
            username: "guest".into(),
            password: "guest".into(),
        },
        virtual_host: "/".into(),
        heartbeat: Duration::from_secs(60),
        channel_max: 0,
        frame_max: 131_072,
        connect_timeout: LONG,
        handshake_timeout: LONG,
        rpc_timeout: LONG,
        limits: Limits::default(),
    }
}

pub async fn link(address: &str) -> Link {
    Link::open(settings(address)).await.unwrap()
}

pub async fn link_to(fake: &crate::fake::Fake) -> Link {
    link(&fake.address()).await
}

/// What a publishing channel told.
#[derive(Debug)]
pub enum Told {
    Settled(Token, Verdict),
    Closed(CloseCause, Vec<Pending>),
}

struct Verdicts(mpsc::UnboundedSender<Told>);

impl PublishSink for Verdicts {
    fn settled(&self, verdicts: &mut Vec<(Token, Verdict)>) {
        for (token, verdict) in verdicts.drain(..) {
            let _ = self.0.send(Told::Settled(token, verdict));
        }
    }

    fn closed(&self, cause: &CloseCause, pending: Vec<Pending>) {
        let _ = self.0.send(Told::Closed(cause.clone(), pending));
    }
}

pub struct Publisher {
    pub channel: Channel,
    pub told: mpsc::UnboundedReceiver<Told>,
}

pub fn verdict_sink() -> (Arc<dyn PublishSink>, mpsc::UnboundedReceiver<Told>) {
    let (send, told) = mpsc::unbounded_channel();
    (Arc::new(Verdicts(send)), told)
}

impl Publisher {
    pub async fn open(link: &Link) -> Self {
        let (sink, told) = verdict_sink();
        let channel = link.open_publishing_channel(sink, soon()).await.unwrap();
        Self { channel, told }
    }

    /// Publishes through the default exchange, mandatory.
    pub fn publish(&self, queue: &Name, message: &Message, token: Token) {
        self.channel
            .publish(&Name::default(), queue, message, true, token)
            .unwrap();
    }

    pub async fn next(&mut self) -> Told {
        tokio::time::timeout(LONG, self.told.recv())
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn settled(&mut self) -> (Token, Verdict) {
        match self.next().await {
            Told::Settled(token, verdict) => (token, verdict),
            Told::Closed(cause, _) => panic!("{cause}"),
        }
    }

    /// `count` verdicts by token; a second one for the same message fails.
    pub async fn verdicts(&mut self, count: usize) -> HashMap<Token, Verdict> {
        let mut all = HashMap::new();
        while all.len() < count {
            let (token, verdict) = self.settled().await;
            assert!(
                all.insert(token, verdict).is_none(),
                "two verdicts for {token}"
            );
        }
        all
    }

    pub async fn closed(&mut self) -> (CloseCause, Vec<Pending>) {
        loop {
            if let Told::Closed(cause, pending) = self.next().await {
                return (cause, pending);
            }
        }
    }
}

/// What a consumer was told.
#[derive(Debug)]
pub enum Heard {
    Delivery(Box<Delivery>),
    Cancelled,
    Closed(CloseCause),
}

struct Deliveries(mpsc::UnboundedSender<Heard>);

impl DeliverySink for Deliveries {
    fn deliver(&self, deliveries: &mut Vec<Delivery>) {
        for delivery in deliveries.drain(..) {
            let _ = self.0.send(Heard::Delivery(Box::new(delivery)));
        }
    }

    fn cancelled(&self) {
        let _ = self.0.send(Heard::Cancelled);
    }

    fn closed(&self, cause: &CloseCause) {
        let _ = self.0.send(Heard::Closed(cause.clone()));
    }
}

pub fn delivery_sink() -> (Arc<dyn DeliverySink>, Consumer) {
    let (send, heard) = mpsc::unbounded_channel();
    (Arc::new(Deliveries(send)), Consumer(heard))
}

pub struct Consumer(pub mpsc::UnboundedReceiver<Heard>);

impl Consumer {
    pub async fn start(channel: &Channel, queue: &Name, no_ack: bool) -> Self {
        let (sink, consumer) = delivery_sink();
        let spec = spec(queue, &format!("c{}", fastrand()), no_ack);
        channel.consume(spec, sink, soon()).await.unwrap();
        consumer
    }

    pub async fn next(&mut self) -> Heard {
        tokio::time::timeout(LONG, self.0.recv())
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn delivery(&mut self) -> Delivery {
        match self.next().await {
            Heard::Delivery(delivery) => *delivery,
            other => panic!("{other:?}"),
        }
    }
}

fn fastrand() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub fn spec(queue: &Name, tag: &str, no_ack: bool) -> rmq_core::transport::ConsumeSpec {
    rmq_core::transport::ConsumeSpec {
        queue: queue.clone(),
        consumer_tag: name(tag),
        no_ack,
        exclusive: false,
        arguments: Vec::new(),
    }
}

/// A durable classic queue that nobody else uses.
pub async fn queue(channel: &Channel) -> Name {
    let queue = name(&rmq_tests::broker::unique("transport"));
    channel
        .declare_queue(&queue, false, true, false, false, Vec::new(), soon())
        .await
        .unwrap();
    queue
}

/// How many messages wait in a queue.
pub async fn waiting(channel: &Channel, queue: &Name) -> u32 {
    channel
        .declare_queue(queue, true, false, false, false, Vec::new(), soon())
        .await
        .unwrap()
        .messages
}
