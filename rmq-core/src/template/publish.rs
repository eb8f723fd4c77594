use std::fmt;
use std::future::{Future, IntoFuture};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytestring::ByteString;

use crate::error::BoxError;
use crate::message::{CorrelationData, DeliveryMode, Message, Value};
use crate::name::Name;
use crate::time::Deadline;

use super::engine::Room;
use super::error::Parts;
use super::prepare::{Ready, prepare};
use super::{
    Confirmed, PendingConfirm, PublishError, PublishErrorKind, RabbitTemplate, RefusedReason,
};

/// One publish being put together; await it to send it and learn its end.
///
/// # Delivery guarantee
/// `Ok` means the broker has the message, in a queue. Anything else is a [`PublishError`] with the whole message.
/// Persistent and mandatory are on unless switched off.
///
/// # Cancel safety
/// Before there is room in the window nothing is sent and nothing counted. From then on the message is the publishing
/// channel's: dropping the future changes nothing for it, and its callbacks run.
///
/// # Errors
/// See [`PublishErrorKind`]; the message is in the error.
#[must_use = "nothing is sent until this is awaited or enqueued"]
pub struct Publish {
    pub(super) template: RabbitTemplate,
    pub(super) message: Message,
    pub(super) exchange: Name,
    pub(super) routing_key: Name,
    pub(super) mandatory: Option<bool>,
    pub(super) correlation: Option<CorrelationData>,
    /// What makes it impossible to send, found while it was put together.
    pub(super) fault: Option<Box<Fault>>,
}

/// Why a publish cannot be sent at all.
pub(super) struct Fault {
    pub(super) reason: RefusedReason,
    pub(super) cause: ByteString,
    pub(super) source: Option<BoxError>,
}

impl Publish {
    pub(super) fn new<E, K>(
        template: RabbitTemplate,
        exchange: E,
        routing_key: K,
        message: Message,
    ) -> Self
    where
        E: TryInto<Name>,
        K: TryInto<Name>,
    {
        let mut publish = Self {
            template,
            message,
            exchange: Name::default(),
            routing_key: Name::default(),
            mandatory: None,
            correlation: None,
            fault: None,
        };
        match exchange.try_into() {
            Ok(exchange) => publish.exchange = exchange,
            Err(_) => publish.too_long("the exchange's name"),
        }
        match routing_key.try_into() {
            Ok(routing_key) => publish.routing_key = routing_key,
            Err(_) => publish.too_long("the routing key"),
        }
        publish
    }

    fn too_long(&mut self, what: &str) {
        self.fault.get_or_insert_with(|| {
            Box::new(Fault {
                reason: RefusedReason::NameTooLong,
                cause: format!("{what} is longer than AMQP's 255 bytes").into(),
                source: None,
            })
        });
    }

    /// Sets a header.
    pub fn header(mut self, name: impl Into<ByteString>, value: impl Into<Value>) -> Self {
        self.message.properties_mut().headers.insert(name, value);
        self
    }

    /// Sets the priority: 0 to 9, or up to the queue's `x-max-priority`.
    pub fn priority(mut self, priority: u8) -> Self {
        self.message.properties_mut().priority = Some(priority);
        self
    }

    /// Sets how long the message may wait in a queue; then the broker drops or dead-letters it. In whole milliseconds.
    pub fn expiration(mut self, expiration: Duration) -> Self {
        let milliseconds = expiration.as_millis().to_string();
        self.message.properties_mut().expiration = Some(milliseconds.into());
        self
    }

    /// Sets the id that the confirm callback is told; by default the message id.
    pub fn correlation(mut self, correlation: impl Into<CorrelationData>) -> Self {
        self.correlation = Some(correlation.into());
        self
    }

    /// Sets the message's id; by default the one it has, or a new UUID.
    pub fn message_id(mut self, id: impl Into<ByteString>) -> Self {
        self.message.properties_mut().message_id = Some(id.into());
        self
    }

    /// Whether the broker keeps the message on disk. Default true; false loses it when the broker stops.
    pub fn persistent(mut self, persistent: bool) -> Self {
        self.message.properties_mut().delivery_mode = Some(if persistent {
            DeliveryMode::Persistent
        } else {
            DeliveryMode::Transient
        });
        self
    }

    /// Whether a message that no queue takes comes back. Default `template.mandatory`; with false such a message is
    /// dropped by the broker and ends as confirmed.
    pub const fn mandatory(mut self, mandatory: bool) -> Self {
        self.mandatory = Some(mandatory);
        self
    }

    /// Waits for room in the window, sends, and gives the confirm to wait for later.
    ///
    /// # Cancel safety
    /// If dropped before it returns, nothing was sent and nothing is counted.
    ///
    /// # Errors
    /// When the message is refused before it is sent: conversion, size, headers, no room until the deadline, blocked,
    /// stopping. The error holds the message.
    pub async fn enqueue(self) -> Result<PendingConfirm, PublishError> {
        let mut publish = self;
        match publish.enqueue_now() {
            Ok(enqueued) => enqueued,
            Err(ready) => publish.enqueue_later(ready).await,
        }
    }

    /// Sends now if there is room; else it is ready to wait.
    fn enqueue_now(&mut self) -> Result<Result<PendingConfirm, PublishError>, Ready> {
        let ready = match prepare(self) {
            Ok(ready) => ready,
            Err(error) => return Ok(Err(error)),
        };
        let room = self.template.engine().try_admit(self.message.body().len());
        match room.map(Room::take) {
            Some(bytes) => Ok(Ok(self.submit(ready, bytes))),
            None => Err(ready),
        }
    }

    /// Waits for room, and sends.
    async fn enqueue_later(mut self, ready: Ready) -> Result<PendingConfirm, PublishError> {
        let deadline = Deadline::after(self.template.settings().window_timeout);
        let body = self.message.body().len();
        let room = self.template.engine().admit(body, deadline).await;
        match room.map(Room::take) {
            Ok(bytes) => Ok(self.submit(ready, bytes)),
            Err((reason, cause)) => Err(ready.refuse(&mut self, reason, cause)),
        }
    }

    fn submit(&mut self, ready: Ready, bytes: u32) -> PendingConfirm {
        let draft = ready.into_draft(self);
        PendingConfirm::new(self.template.engine().submit(draft, bytes))
    }

    /// The error of a publish that was not sent. The message goes into it.
    pub(super) fn refuse(
        &mut self,
        message_id: ByteString,
        reason: RefusedReason,
        cause: ByteString,
        source: Option<BoxError>,
    ) -> PublishError {
        let message = mem::take(&mut self.message);
        let message = (reason != RefusedReason::Conversion).then_some(message);
        PublishError::new(Parts {
            kind: PublishErrorKind::Refused(reason),
            message,
            message_id,
            exchange: mem::take(&mut self.exchange),
            routing_key: mem::take(&mut self.routing_key),
            attempts: 0,
            possible_duplicate: false,
            reply: None,
            cause,
            source,
        })
    }
}

impl fmt::Debug for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish")
            .field("exchange", &self.exchange)
            .field("routing_key", &self.routing_key)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

impl IntoFuture for Publish {
    type Output = Result<Confirmed, PublishError>;
    type IntoFuture = Sending;

    fn into_future(self) -> Sending {
        Sending(Stage::Prepared(self))
    }
}

/// A [`Publish`] being sent. See there for its guarantees.
#[derive(Debug)]
#[must_use = "nothing is sent until this is awaited"]
pub struct Sending(Stage);

#[allow(
    clippy::large_enum_variant,
    reason = "nearly every publish finds room at once: a box would be an allocation for each"
)]
enum Stage {
    Prepared(Publish),
    Waiting(Pin<Box<dyn Future<Output = Result<PendingConfirm, PublishError>> + Send>>),
    OnItsWay(PendingConfirm),
    Done,
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepared(_) => "Prepared",
            Self::Waiting(_) => "Waiting",
            Self::OnItsWay(_) => "OnItsWay",
            Self::Done => "Done",
        })
    }
}

impl Future for Sending {
    type Output = Result<Confirmed, PublishError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let enqueued = match &mut self.0 {
                Stage::OnItsWay(pending) => return Pin::new(pending).poll(cx),
                Stage::Waiting(waiting) => match waiting.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(enqueued) => enqueued,
                },
                Stage::Done => return Poll::Pending,
                // In place: a publish that finds room at once is not moved again.
                Stage::Prepared(publish) => match publish.enqueue_now() {
                    Ok(enqueued) => enqueued,
                    Err(ready) => {
                        if let Stage::Prepared(publish) = mem::replace(&mut self.0, Stage::Done) {
                            self.0 = Stage::Waiting(Box::pin(publish.enqueue_later(ready)));
                        }
                        continue;
                    }
                },
            };
            match enqueued {
                Ok(pending) => self.0 = Stage::OnItsWay(pending),
                Err(error) => {
                    self.0 = Stage::Done;
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}
