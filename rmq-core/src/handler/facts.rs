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
#[non_exhaustive]
pub struct DeliveryFacts {
    /// The id of the listener that handles it.
    pub listener: Name,
    /// The queue it came from.
    pub queue: Name,
    /// The exchange it was published to; empty for the default exchange.
    pub exchange: ByteString,
    /// The routing key it was published with.
    pub routing_key: ByteString,
    /// The tag of the consumer it came to.
    pub consumer_tag: ByteString,
    /// Its number on its channel.
    pub delivery_tag: u64,
    /// Whether the broker has handed it over before.
    pub redelivered: bool,
    /// How often the broker has delivered it before, where a quorum queue counts that (`x-delivery-count`).
    pub delivery_count: Option<u64>,
    /// Which attempt of this process at this delivery it is, from 1.
    pub attempt: u32,
    /// The message id, if the sender gave it one.
    pub message_id: Option<ByteString>,
}

impl DeliveryFacts {
    pub(super) fn of(context: &HandlerContext) -> Self {
        let delivery = context.delivery();
        Self {
            listener: context.scope().listener.clone(),
            queue: context.scope().queue.clone(),
            exchange: delivery.exchange.clone(),
            routing_key: delivery.routing_key.clone(),
            consumer_tag: delivery.consumer_tag.clone(),
            delivery_tag: delivery.tag,
            redelivered: delivery.redelivered,
            delivery_count: delivery.delivery_count(),
            attempt: context.attempt(),
            message_id: delivery.message.properties().message_id.clone(),
        }
    }
}
