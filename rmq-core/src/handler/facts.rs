use std::fmt;
use std::ops::Deref;

use bytestring::ByteString;

use super::HandlerContext;
use crate::name::Name;

/// The routing key a message was published with: an extractor.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RoutingKey(ByteString);

impl RoutingKey {
    /// A routing key, for tests of a handler.
    #[must_use]
    pub fn new(key: impl Into<ByteString>) -> Self {
        Self(key.into())
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for RoutingKey {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoutingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RoutingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// How a message came: an extractor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryFacts {
    listener: Name,
    queue: Name,
    exchange: ByteString,
    routing_key: ByteString,
    consumer_tag: ByteString,
    delivery_tag: u64,
    redelivered: bool,
    delivery_count: Option<u64>,
    attempt: u32,
    message_id: Option<ByteString>,
}

impl DeliveryFacts {
    pub(super) fn of(context: &HandlerContext) -> Self {
        let delivery = context.delivery();
        Self {
            listener: context.scope().listener.clone(),
            queue: context.scope().queue.clone(),
            exchange: delivery.exchange().into(),
            routing_key: delivery.routing_key().into(),
            consumer_tag: delivery.consumer_tag().clone(),
            delivery_tag: delivery.tag(),
            redelivered: delivery.redelivered(),
            delivery_count: delivery.delivery_count(),
            attempt: context.attempt(),
            message_id: delivery.message_id(),
        }
    }

    /// The id of the listener that handles it.
    #[must_use]
    pub fn listener(&self) -> &str {
        &self.listener
    }

    /// The queue it came from.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// The exchange it was published to; empty for the default exchange.
    #[must_use]
    pub fn exchange(&self) -> &str {
        &self.exchange
    }

    /// The routing key it was published with.
    #[must_use]
    pub fn routing_key(&self) -> &str {
        &self.routing_key
    }

    /// The tag of the consumer it came to.
    #[must_use]
    pub fn consumer_tag(&self) -> &str {
        &self.consumer_tag
    }

    /// Its number on its channel.
    #[must_use]
    pub const fn delivery_tag(&self) -> u64 {
        self.delivery_tag
    }

    /// Whether the broker has handed it over before.
    #[must_use]
    pub const fn redelivered(&self) -> bool {
        self.redelivered
    }

    /// How often the broker has delivered it before, where a quorum queue counts that (`x-delivery-count`).
    #[must_use]
    pub const fn delivery_count(&self) -> Option<u64> {
        self.delivery_count
    }

    /// Which attempt of this process at this delivery it is, from 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The message id, if the sender gave it one.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }
}
