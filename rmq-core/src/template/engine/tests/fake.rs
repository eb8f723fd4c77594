//! A broker's publishing side that does what the test says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::connection::{ConnectError, ConnectErrorKind};
use crate::converter::JsonConverter;
use crate::message::{Delivery, Message, ReturnedMessage};
use crate::name::Name;
use crate::observability::PublishLedger;
use crate::template::callbacks::Callbacks;
use crate::template::channel::{ChannelSource, Leased, PublishChannel};
use crate::template::{RabbitTemplate, TemplateSettings};
use crate::time::Deadline;
use crate::transport::{
    CloseCause, DeliverySink, Pending, PublishRejected, PublishSink, Returns, Token,
    TransportError, Verdict,
};

use super::super::Engine;

/// Leases channels that the test then plays the broker on.
#[derive(Debug)]
pub(super) struct FakeSource {
    channels: Mutex<Vec<Arc<FakeChannel>>>,
    leased: Notify,
    link: AtomicU64,
    up: watch::Sender<bool>,
    blocked: watch::Sender<bool>,
}

/// One publish as it reached the channel.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) id: String,
    pub(super) mandatory: bool,
    pub(super) message: Message,
}

struct State {
    seen: Vec<Seen>,
    /// Without a verdict, in tag order.
    unsettled: Vec<(Token, String)>,
    closed: bool,
    replies: Option<Arc<dyn DeliverySink>>,
}

pub(super) struct FakeChannel {
    sink: Arc<dyn PublishSink>,
    state: Mutex<State>,
    changed: Notify,
}

impl std::fmt::Debug for FakeChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeChannel")
    }
}

/// A template over a fake, and the fake.
pub(super) struct Rig {
    pub(super) template: RabbitTemplate,
    pub(super) source: Arc<FakeSource>,
}

/// A verdict of the test's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Say {
    Ack,
    Nack,
    Return,
}

pub(super) fn rig(settings: TemplateSettings) -> Rig {
    rig_with(settings, Callbacks::default())
}

pub(super) fn rig_with(settings: TemplateSettings, callbacks: Callbacks) -> Rig {
    let source = Arc::new(FakeSource {
        channels: Mutex::default(),
        leased: Notify::new(),
        link: AtomicU64::new(1),
        up: watch::Sender::new(true),
        blocked: watch::Sender::new(false),
    });
    let ledger = Arc::new(PublishLedger::default());
    let as_source: Arc<dyn ChannelSource> = Arc::clone(&source) as _;
    let engine = Engine::start(settings, as_source, callbacks, ledger);
    Rig {
        template: RabbitTemplate::over(engine, Arc::new(JsonConverter)),
        source,
    }
}

impl Rig {
    /// Puts a message with this id into the window, and gives what waits for its end.
    pub(super) async fn enqueue(&self, id: &str) -> crate::template::PendingConfirm {
        let message = Message::new(format!("body of {id}")).with_message_id(id);
        let publish = self.template.send("exchange", "key", message);
        publish.enqueue().await.unwrap()
    }

    /// Several of them.
    pub(super) async fn enqueue_all(&self, ids: &[&str]) -> Vec<crate::template::PendingConfirm> {
        let mut pending = Vec::new();
        for id in ids {
            pending.push(self.enqueue(id).await);
        }
        pending
    }

    /// The ledger adds up, and nothing is left in window or flight.
    pub(super) fn assert_at_rest(&self) {
        let counts = self.template.counts();
        assert!(counts.adds_up(), "{counts}");
        assert_eq!(counts.in_flight, 0, "{counts}");
        assert_eq!(self.template.window_used(), 0);
    }
}

impl FakeSource {
    /// The channel leased as number `index`, counted from 0; waits for it.
    pub(super) async fn channel(&self, index: usize) -> Arc<FakeChannel> {
        loop {
            let mut leased = std::pin::pin!(self.leased.notified());
            leased.as_mut().enable();
            if let Some(channel) = self.channels.lock().get(index) {
                return Arc::clone(channel);
            }
            leased.await;
        }
    }

    pub(super) fn leased(&self) -> usize {
        self.channels.lock().len()
    }

    pub(super) fn last(&self) -> Option<Arc<FakeChannel>> {
        self.channels.lock().last().cloned()
    }

    /// The next channel is on another link.
    pub(super) fn reconnect(&self) {
        self.link.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_up(&self, up: bool) {
        self.up.send_replace(up);
    }

    pub(super) fn set_blocked(&self, blocked: bool) {
        self.blocked.send_replace(blocked);
    }
}

fn too_late(kind: ConnectErrorKind) -> ConnectError {
    ConnectError::new(kind, "the fake is not up")
}

impl ChannelSource for FakeSource {
    fn lease(
        &self,
        sink: Arc<dyn PublishSink>,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Leased, ConnectError>> {
        Box::pin(async move {
            let mut up = self.up.subscribe();
            let waited = deadline.limit(up.wait_for(|up| *up)).await;
            waited
                .map_err(|_| too_late(ConnectErrorKind::Deadline))?
                .map_err(|_| too_late(ConnectErrorKind::Closed))?;
            let channel = Arc::new(FakeChannel {
                sink,
                state: Mutex::new(State {
                    seen: Vec::new(),
                    unsettled: Vec::new(),
                    closed: false,
                    replies: None,
                }),
                changed: Notify::new(),
            });
            self.channels.lock().push(Arc::clone(&channel));
            self.leased.notify_waiters();
            Ok(Leased {
                channel,
                link: self.link.load(Ordering::Relaxed),
            })
        })
    }

    fn is_blocked(&self) -> bool {
        *self.blocked.borrow()
    }

    fn wait_unblocked(&self, deadline: Deadline) -> BoxFuture<'_, Result<(), ConnectError>> {
        Box::pin(async move {
            let mut blocked = self.blocked.subscribe();
            let waited = deadline.limit(blocked.wait_for(|blocked| !*blocked)).await;
            match waited {
                Ok(_) => Ok(()),
                Err(_) => Err(too_late(ConnectErrorKind::Blocked)),
            }
        })
    }
}

impl FakeChannel {
    /// The first `count` publishes; waits for them.
    pub(super) async fn seen(&self, count: usize) -> Vec<Seen> {
        let wait = async {
            loop {
                let mut changed = std::pin::pin!(self.changed.notified());
                changed.as_mut().enable();
                {
                    let state = self.state.lock();
                    if state.seen.len() >= count {
                        return state.seen.clone();
                    }
                }
                changed.await;
            }
        };
        let Ok(seen) = tokio::time::timeout(Duration::from_secs(3_600), wait).await else {
            panic!("only {:?} reached the channel", self.ids());
        };
        seen
    }

    /// The ids that have reached the channel, in order.
    pub(super) fn ids(&self) -> Vec<String> {
        let state = self.state.lock();
        state.seen.iter().map(|seen| seen.id.clone()).collect()
    }

    pub(super) fn unsettled(&self) -> Vec<String> {
        let state = self.state.lock();
        state.unsettled.iter().map(|(_, id)| id.clone()).collect()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Verdicts, in one batch, in the order given.
    pub(super) fn say(&self, said: &[(&str, Say)]) {
        let mut verdicts = Vec::new();
        {
            let mut state = self.state.lock();
            assert!(!state.closed, "a closed channel has no verdicts");
            for (id, say) in said {
                let place = state.unsettled.iter().position(|(_, other)| other == id);
                let (token, _) = state.unsettled.remove(place.expect("in flight"));
                let verdict = match say {
                    Say::Ack => Verdict::Ack,
                    Say::Nack => Verdict::Nack,
                    Say::Return => Verdict::Returned(Box::new(returned(id))),
                };
                verdicts.push((token, verdict));
            }
        }
        self.sink.settled(&mut verdicts);
        assert!(verdicts.is_empty(), "the sink empties the batch");
    }

    pub(super) fn ack(&self, ids: &[&str]) {
        let said: Vec<_> = ids.iter().map(|id| (*id, Say::Ack)).collect();
        self.say(&said);
    }

    /// Ends the channel; `returned` had come back without their acks.
    pub(super) fn end(&self, cause: &CloseCause, had_returned: &[&str]) {
        let pending = {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.closed, true) {
                return;
            }
            let unsettled = std::mem::take(&mut state.unsettled);
            let pending = unsettled.into_iter().map(|(token, id)| Pending {
                token,
                returned: had_returned
                    .contains(&id.as_str())
                    .then(|| Box::new(returned(&id))),
            });
            pending.collect()
        };
        self.sink.closed(cause, pending);
    }

    /// The sink of the reply consumer; waits for it.
    pub(super) fn consumes_replies(&self) -> bool {
        self.state.lock().replies.is_some()
    }

    pub(super) async fn replies(&self) -> Arc<dyn DeliverySink> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(sink) = self.state.lock().replies.clone() {
                return sink;
            }
            changed.await;
        }
    }
}

impl PublishChannel for FakeChannel {
    fn publish(
        &self,
        _exchange: &Name,
        _routing_key: &Name,
        message: &Message,
        returns: Returns,
        token: Token,
    ) -> Result<u64, PublishRejected> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(PublishRejected::Closed);
        }
        let id = message.message_id().expect("every message has an id");
        state.unsettled.push((token, id.to_owned()));
        state.seen.push(Seen {
            id: id.to_owned(),
            mandatory: returns.mandatory(),
            message: message.clone(),
        });
        let tag = state.seen.len() as u64;
        self.changed.notify_waiters();
        Ok(tag)
    }

    fn consume_replies(
        &self,
        _consumer_tag: Name,
        sink: Arc<dyn DeliverySink>,
        _deadline: Deadline,
    ) -> BoxFuture<'_, Result<(), TransportError>> {
        self.state.lock().replies = Some(sink);
        self.changed.notify_waiters();
        Box::pin(async { Ok(()) })
    }

    fn close(&self, _deadline: Deadline) -> BoxFuture<'_, ()> {
        Box::pin(async { self.end(&closed_by_us(), &[]) })
    }
}

fn returned(id: &str) -> ReturnedMessage {
    let message = Message::new("as the broker sent it back").with_message_id(id.to_owned());
    ReturnedMessage::new(
        message,
        312,
        "NO_ROUTE".into(),
        "exchange".into(),
        "key".into(),
    )
}

/// A delivery of a reply to the request with this correlation id.
pub(super) fn reply_to(correlation_id: &str, body: &'static str) -> Delivery {
    let mut message = Message::new(body).with_content_type("application/json");
    message.properties_mut().correlation_id = Some(correlation_id.into());
    Delivery::of(message, "", "")
}

fn cause(link: bool, code: u16, text: &'static str, publish: bool, by_us: bool) -> CloseCause {
    let (class, method) = if publish { (60, 40) } else { (0, 0) };
    CloseCause {
        link,
        code,
        text: text.into(),
        class,
        method,
        by_us,
    }
}

/// The channel error of a publish to a missing exchange.
pub(super) fn no_exchange() -> CloseCause {
    cause(
        false,
        404,
        "NOT_FOUND - no exchange 'gone' in vhost '/'",
        true,
        false,
    )
}

/// The channel error of a body above the broker's limit.
pub(super) fn too_large() -> CloseCause {
    cause(
        false,
        406,
        "PRECONDITION_FAILED - message size 99 is larger than configured max size 9",
        true,
        false,
    )
}

/// The connection error that names a publish.
pub(super) fn connection_error() -> CloseCause {
    cause(true, 501, "FRAME_ERROR", true, false)
}

/// The socket ended.
pub(super) fn socket_lost() -> CloseCause {
    cause(true, 0, "the socket ended", false, false)
}

pub(super) fn closed_by_us() -> CloseCause {
    cause(false, 0, "closed", false, true)
}
