use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, MutexGuard};

use super::method::{Method, Request};
use super::{
    AMQPClass, Channel, Closed, Content, Frame, FrameKind, Handshake, Message, RawError, Wire,
    basic, channels, connections,
};

/// What a channel is told, in the broker's order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A method without content.
    Method(AMQPClass),
    /// A message: delivered, got or returned.
    Message(Message),
    /// The broker ended the stream.
    End,
}

/// An open connection. Clones are the same connection; frames of all channels are read in order, and each
/// channel finds its own.
#[derive(Clone, Debug)]
pub struct Connection {
    inner: Arc<Mutex<Inner>>,
    start: Arc<connections::Start>,
    offered: connections::Tune,
    agreed: connections::TuneOk,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) wire: Wire,
    waiting: BTreeMap<u16, VecDeque<Event>>,
    /// The message that is half here, by channel.
    half: BTreeMap<u16, Half>,
    heartbeats: usize,
    longest: usize,
    ended: bool,
}

#[derive(Debug)]
struct Half {
    message: Message,
    size: Option<u64>,
    body: BytesMut,
}

impl Connection {
    /// A plain connection to `host:port` as guest.
    ///
    /// # Errors
    /// Nobody listens there, or the broker refused.
    pub async fn open(address: &str) -> Result<Self, RawError> {
        Handshake::default()
            .open(Wire::new(TcpStream::connect(address).await?))
            .await
    }

    pub(crate) fn new(
        wire: Wire,
        start: connections::Start,
        offered: connections::Tune,
        agreed: connections::TuneOk,
    ) -> Self {
        let inner = Inner {
            wire,
            waiting: BTreeMap::new(),
            half: BTreeMap::new(),
            heartbeats: 0,
            longest: 0,
            ended: false,
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
            start: Arc::new(start),
            offered,
            agreed,
        }
    }

    /// What the broker told of itself.
    #[must_use]
    pub fn start(&self) -> &connections::Start {
        &self.start
    }

    /// The limits that the broker offered.
    #[must_use]
    pub fn offered(&self) -> &connections::Tune {
        &self.offered
    }

    /// The limits that both agreed on.
    #[must_use]
    pub fn agreed(&self) -> &connections::TuneOk {
        &self.agreed
    }

    /// Opens a channel with this number.
    ///
    /// # Errors
    /// The broker closed the connection, or said something else.
    pub async fn channel(&self, id: u16) -> Result<Channel, RawError> {
        let channel = Channel::new(self.clone(), id);
        channel.call(channels::Open {}).await?;
        Ok(channel)
    }

    /// Sends a method on any channel.
    ///
    /// # Errors
    /// The broker is gone.
    pub async fn send(&self, channel: u16, method: impl Method) -> Result<(), RawError> {
        self.send_frames(&[Frame::method(channel, method.wrap())?])
            .await
    }

    /// Sends frames as they are.
    ///
    /// # Errors
    /// The broker is gone.
    pub async fn send_frames(&self, frames: &[Frame]) -> Result<(), RawError> {
        self.lock().await.wire.send(frames).await
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The broker is gone.
    pub async fn send_bytes(&self, bytes: &[u8]) -> Result<(), RawError> {
        self.lock().await.wire.write(bytes).await
    }

    /// The next event of a channel; 0 is the connection itself.
    ///
    /// # Errors
    /// None came within the deadline, or what came made no sense.
    pub async fn event(&self, channel: u16) -> Result<Event, RawError> {
        self.lock().await.event(channel).await
    }

    /// Waits for the broker to close the connection, and agrees.
    ///
    /// # Errors
    /// It did something else.
    pub async fn closed(&self) -> Result<Closed, RawError> {
        loop {
            match self.event(0).await? {
                Event::Method(AMQPClass::Connection(connections::AMQPMethod::Close(close))) => {
                    let closed = connection_closed(close);
                    // The broker may be gone already: it has said what there was to say.
                    let _ = self.send(0, connections::CloseOk {}).await;
                    return Ok(closed);
                }
                Event::Method(AMQPClass::Connection(
                    connections::AMQPMethod::Blocked(_) | connections::AMQPMethod::Unblocked(_),
                )) => {}
                other => {
                    return Err(RawError::new(format!(
                        "connection.close was due, and {other:?} came"
                    )));
                }
            }
        }
    }

    /// Sends a request on channel 0 and waits for its answer.
    ///
    /// # Errors
    /// The broker closed, or said something else.
    pub async fn call<R: Request>(&self, request: R) -> Result<R::Answer, RawError> {
        self.send(0, request).await?;
        self.expect(0).await
    }

    /// Closes in good order.
    ///
    /// # Errors
    /// The broker did not agree.
    pub async fn close(&self) -> Result<(), RawError> {
        self.call(connections::Close {
            reply_code: 200,
            ..Default::default()
        })
        .await
        .map(drop)
    }

    /// How many heartbeats were read so far.
    pub async fn heartbeats(&self) -> usize {
        self.lock().await.heartbeats
    }

    /// The longest payload of a frame that was read so far, in bytes.
    pub async fn longest_frame(&self) -> usize {
        self.lock().await.longest
    }

    /// Gives the wire back, for a test that goes on by hand.
    ///
    /// # Errors
    /// A channel or a clone of this connection is still there.
    pub async fn into_wire(self) -> Result<Wire, RawError> {
        Arc::into_inner(self.inner)
            .map(|inner| inner.into_inner().wire)
            .ok_or_else(|| RawError::new("somebody else still uses this connection"))
    }

    /// Takes the next event of a channel as this method.
    ///
    /// # Errors
    /// It is another one.
    pub async fn expect<M: Method>(&self, channel: u16) -> Result<M, RawError> {
        let what = std::any::type_name::<M>();
        match self.event(channel).await? {
            Event::Method(method) => {
                M::unwrap_from(method).map_err(|other| unexpected(what, *other))
            }
            other => Err(RawError::new(format!("{what} was due, and {other:?} came"))),
        }
    }

    pub(crate) async fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().await
    }
}

impl Inner {
    pub(crate) async fn event(&mut self, channel: u16) -> Result<Event, RawError> {
        loop {
            if let Some(event) = self.waiting.get_mut(&channel).and_then(VecDeque::pop_front) {
                return Ok(event);
            }
            // A channel that waits would wait for ever once the connection is being closed.
            if channel != 0
                && let Some(Event::Method(AMQPClass::Connection(connections::AMQPMethod::Close(
                    close,
                )))) = self.waiting.get(&0).and_then(VecDeque::front)
            {
                let closed = connection_closed(close.clone());
                return Err(RawError::closed("waiting on a channel", closed));
            }
            if self.ended {
                return Ok(Event::End);
            }
            match self.wire.receive().await? {
                Some(frame) => self.take(frame)?,
                None => self.ended = true,
            }
        }
    }

    /// Puts events back to the front of what a channel was told: for one who looked for another.
    pub(crate) fn put_back(&mut self, channel: u16, events: impl IntoIterator<Item = Event>) {
        let queue = self.waiting.entry(channel).or_default();
        for (at, event) in events.into_iter().enumerate() {
            queue.insert(at, event);
        }
    }

    /// Everything that a channel was told and nobody took.
    pub(crate) fn drain(&mut self, channel: u16) -> Vec<Event> {
        self.waiting.remove(&channel).unwrap_or_default().into()
    }

    fn take(&mut self, frame: Frame) -> Result<(), RawError> {
        let channel = frame.channel;
        self.longest = self.longest.max(frame.payload.len());
        let complete = match frame.kind {
            FrameKind::Heartbeat => {
                self.heartbeats += 1;
                return Ok(());
            }
            FrameKind::Method => match begin(frame.to_method()?) {
                Ok(message) => {
                    let half = Half {
                        message,
                        size: None,
                        body: BytesMut::new(),
                    };
                    if self.half.insert(channel, half).is_some() {
                        return Err(RawError::new("a message began inside another one"));
                    }
                    return Ok(());
                }
                Err(event) => *event,
            },
            FrameKind::Header | FrameKind::Body => {
                let Some(half) = self.half.get_mut(&channel) else {
                    return Err(RawError::new("content without a method"));
                };
                if !half.grow(frame)? {
                    return Ok(());
                }
                let Some(mut half) = self.half.remove(&channel) else {
                    return Ok(());
                };
                half.message.content.body = half.body.freeze();
                Event::Message(half.message)
            }
        };
        self.waiting.entry(channel).or_default().push_back(complete);
        Ok(())
    }
}

impl Half {
    /// Takes a header or body frame; true when the message is whole.
    fn grow(&mut self, frame: Frame) -> Result<bool, RawError> {
        match (frame.kind, self.size) {
            (FrameKind::Header, None) => {
                let mut payload: Bytes = frame.payload;
                if payload.len() < 14 {
                    return Err(RawError::new("a content header that is too short"));
                }
                payload.advance(4);
                self.size = Some(payload.get_u64());
                self.message.content.properties = payload;
            }
            (FrameKind::Body, Some(_)) => self.body.extend_from_slice(&frame.payload),
            _ => return Err(RawError::new("header and body frames out of order")),
        }
        let size = self.size.unwrap_or_default();
        if self.body.len() as u64 > size {
            return Err(RawError::new("a body that is longer than its header says"));
        }
        Ok(self.body.len() as u64 == size)
    }
}

/// The message that a method begins, or the event that it is.
fn begin(method: AMQPClass) -> Result<Message, Box<Event>> {
    let mut message = Message {
        tag: 0,
        redelivered: false,
        consumer: String::new(),
        exchange: String::new(),
        routing_key: String::new(),
        left: None,
        returned: None,
        content: Content::default(),
    };
    match method {
        AMQPClass::Basic(basic::AMQPMethod::Deliver(deliver)) => {
            message.tag = deliver.delivery_tag;
            message.redelivered = deliver.redelivered;
            message.consumer = deliver.consumer_tag.to_string();
            message.exchange = deliver.exchange.to_string();
            message.routing_key = deliver.routing_key.to_string();
        }
        AMQPClass::Basic(basic::AMQPMethod::GetOk(got)) => {
            message.tag = got.delivery_tag;
            message.redelivered = got.redelivered;
            message.exchange = got.exchange.to_string();
            message.routing_key = got.routing_key.to_string();
            message.left = Some(got.message_count);
        }
        AMQPClass::Basic(basic::AMQPMethod::Return(returned)) => {
            message.returned = Some((returned.reply_code, returned.reply_text.to_string()));
            message.exchange = returned.exchange.to_string();
            message.routing_key = returned.routing_key.to_string();
        }
        other => return Err(Box::new(Event::Method(other))),
    }
    Ok(message)
}

pub(crate) fn connection_closed(close: connections::Close) -> Closed {
    Closed {
        code: close.reply_code,
        text: close.reply_text.to_string(),
        method: (close.class_id, close.method_id),
        connection: true,
    }
}

pub(crate) fn channel_closed(close: channels::Close) -> Closed {
    Closed {
        code: close.reply_code,
        text: close.reply_text.to_string(),
        method: (close.class_id, close.method_id),
        connection: false,
    }
}

/// Another method came than was due; a close is told as what it is.
pub(crate) fn unexpected(due: &str, came: AMQPClass) -> RawError {
    match came {
        AMQPClass::Connection(connections::AMQPMethod::Close(close)) => {
            RawError::closed(format!("{due} was due"), connection_closed(close))
        }
        AMQPClass::Channel(channels::AMQPMethod::Close(close)) => {
            RawError::closed(format!("{due} was due"), channel_closed(close))
        }
        other => RawError::new(format!("{due} was due, and {other:?} came")),
    }
}
