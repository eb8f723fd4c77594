use std::fmt;
use std::sync::{Arc, OnceLock};

use bytestring::ByteString;

use super::{DeliveryFault, Limits, Message, RawContent};

/// What all deliveries of one consumer have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The consumer; empty for messages fetched by get.
    pub consumer_tag: ByteString,
    /// The generation of its channel: a settlement is valid on it alone.
    pub generation: u64,
    /// What its connection takes.
    pub limits: Limits,
}

/// A message as the broker handed it over, with the facts of this handing over.
///
/// It stays as it came until somebody looks: [`Delivery::message`] reads it, once. So what waits for its handler costs
/// little beside its body.
#[derive(Clone)]
pub struct Delivery {
    content: RawContent,
    origin: Arc<Origin>,
    tag: u64,
    message: OnceLock<Box<Message>>,
    redelivered: bool,
}

impl Delivery {
    /// A delivery of what the broker sent.
    #[must_use]
    pub const fn new(
        content: RawContent,
        origin: Arc<Origin>,
        tag: u64,
        redelivered: bool,
    ) -> Self {
        Self {
            content,
            origin,
            tag,
            message: OnceLock::new(),
            redelivered,
        }
    }

    /// A delivery of a message that no broker sent: for tests of a handler or a recoverer.
    #[must_use]
    pub fn of(message: Message, exchange: &str, routing_key: &str) -> Self {
        Self {
            message: OnceLock::from(Box::new(message)),
            ..Self::new(
                RawContent::without_content(exchange, routing_key),
                Arc::default(),
                1,
                false,
            )
        }
    }

    /// The same under another tag.
    #[must_use]
    pub const fn with_tag(mut self, tag: u64) -> Self {
        self.tag = tag;
        self
    }

    /// The same, handed over before.
    #[must_use]
    pub const fn with_redelivered(mut self, redelivered: bool) -> Self {
        self.redelivered = redelivered;
        self
    }

    /// The same from elsewhere.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = Arc::new(origin);
        self
    }

    /// The message. Where [`Delivery::fault`] says that part of it was left out, that part is missing here.
    #[must_use]
    pub fn message(&self) -> &Message {
        let read = || Box::new(self.content.message(self.origin.limits.headers));
        self.message.get_or_init(read)
    }

    /// The message, owned.
    #[must_use]
    pub fn into_message(self) -> Message {
        match self.message.into_inner() {
            Some(message) => *message,
            None => self.content.message(self.origin.limits.headers),
        }
    }

    /// The message id, without reading the rest of the message.
    #[must_use]
    pub fn message_id(&self) -> Option<ByteString> {
        match self.message.get() {
            Some(message) => message.properties().message_id.clone(),
            None => self.content.message_id(),
        }
    }

    /// The exchange it was published to; empty for the default exchange.
    #[must_use]
    pub fn exchange(&self) -> &str {
        self.content.exchange()
    }

    /// The routing key it was published with.
    #[must_use]
    pub fn routing_key(&self) -> &str {
        self.content.routing_key()
    }

    /// Whether the broker has handed it over before.
    #[must_use]
    pub const fn redelivered(&self) -> bool {
        self.redelivered
    }

    /// The delivery tag: its number on the channel it came on.
    #[must_use]
    pub const fn tag(&self) -> u64 {
        self.tag
    }

    /// The generation of that channel: a settlement is valid on it alone.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.origin.generation
    }

    /// The consumer it came to; empty for a message fetched by get.
    #[must_use]
    pub fn consumer_tag(&self) -> &ByteString {
        &self.origin.consumer_tag
    }

    /// How often the broker has delivered it before, where a quorum queue counts that (`x-delivery-count`).
    #[must_use]
    pub fn delivery_count(&self) -> Option<u64> {
        self.message()
            .header("x-delivery-count")?
            .as_i64()?
            .try_into()
            .ok()
    }

    /// Why it must not reach a handler, if it must not: it is over a limit, or cannot be read.
    #[must_use]
    pub fn fault(&self) -> Option<DeliveryFault> {
        let limits = self.origin.limits;
        if let Some(left_out) = self.content.apart().and_then(|apart| {
            let body = apart.body_left_out.map(|size| DeliveryFault::Body {
                size,
                limit: limits.body,
            });
            let headers = apart.headers_left_out.map(|size| DeliveryFault::Headers {
                size,
                limit: limits.headers.bytes as u64,
            });
            body.or(headers)
        }) {
            return Some(left_out);
        }
        if let Some(message) = self.message.get() {
            return message.properties().headers.fault().map(Into::into);
        }
        match self.content.glance() {
            Ok(glance) => glance.headers_fault(limits.headers).map(Into::into),
            Err(_) => Some(DeliveryFault::Properties),
        }
    }

    /// A number by which a message is known when it comes again: of its id, or of its content where it has none.
    pub(crate) fn mark(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        if let Some(id) = self.message_id() {
            id.hash(&mut hasher);
            return hasher.finish();
        }
        self.exchange().hash(&mut hasher);
        self.routing_key().hash(&mut hasher);
        match self.message.get() {
            Some(message) => {
                message.properties().timestamp.hash(&mut hasher);
                message.body()[..].hash(&mut hasher);
            }
            None => {
                let glance = self.content.glance().ok();
                glance.and_then(|glance| glance.timestamp).hash(&mut hasher);
                self.content.body().hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("tag", &self.tag)
            .field("message_id", &self.message_id())
            .field("exchange", &self.exchange())
            .field("routing_key", &self.routing_key())
            .field("consumer_tag", self.consumer_tag())
            .field("redelivered", &self.redelivered)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
