use bytestring::ByteString;

use super::Message;

/// A message as the broker handed it over, with the facts of this handing over.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// The exchange it was published to; empty for the default exchange.
    pub exchange: ByteString,
    /// The routing key it was published with.
    pub routing_key: ByteString,
    /// Whether the broker has handed it over before.
    pub redelivered: bool,
    /// The delivery tag: its number on the channel it came on.
    pub tag: u64,
    /// The generation of that channel: a settlement is valid on it alone.
    pub generation: u64,
    /// The consumer it came to; empty for a message fetched by get.
    pub consumer_tag: ByteString,
}

impl Delivery {
    /// How often the broker has delivered it before, where a quorum queue counts that (`x-delivery-count`).
    #[must_use]
    pub fn delivery_count(&self) -> Option<u64> {
        self.message
            .header("x-delivery-count")?
            .as_i64()?
            .try_into()
            .ok()
    }
}
