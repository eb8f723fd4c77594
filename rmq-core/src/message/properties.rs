use std::fmt;
use std::ops::{Deref, DerefMut};

use bytestring::ByteString;

use super::Headers;
use super::rare_properties::{NONE, RareProperties};

/// Whether the broker keeps a message on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeliveryMode {
    /// Gone when the broker stops (1).
    Transient,
    /// Kept (2). The default of everything this crate sends.
    #[default]
    Persistent,
}

/// The properties of a message (AMQP 0-9-1 basic class; Spring's `MessageProperties`). Those that few messages have
/// are read and set like the others: `properties.expiration = Some("60000".into())`. See [`RareProperties`].
#[derive(Clone, Default)]
pub struct MessageProperties {
    /// MIME type of the body.
    pub content_type: Option<ByteString>,
    /// The headers.
    pub headers: Headers,
    /// Persistent unless it says otherwise; `None` on a received message that did not say.
    pub delivery_mode: Option<DeliveryMode>,
    /// 0 to 9, or up to the queue's `x-max-priority`.
    pub priority: Option<u8>,
    /// The message's own id: text, by default a UUID (version 7).
    pub message_id: Option<ByteString>,
    /// The others, if it has any.
    pub rare: Option<Box<RareProperties>>,
}

impl Deref for MessageProperties {
    type Target = RareProperties;

    fn deref(&self) -> &RareProperties {
        self.rare.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for MessageProperties {
    fn deref_mut(&mut self) -> &mut RareProperties {
        self.rare.get_or_insert_default()
    }
}

impl PartialEq for MessageProperties {
    fn eq(&self, other: &Self) -> bool {
        self.content_type == other.content_type
            && self.headers == other.headers
            && self.delivery_mode == other.delivery_mode
            && self.priority == other.priority
            && self.message_id == other.message_id
            && **self == **other
    }
}

impl MessageProperties {
    /// Persistent, nothing else.
    #[must_use]
    pub fn persistent() -> Self {
        Self {
            delivery_mode: Some(DeliveryMode::Persistent),
            ..Self::default()
        }
    }

    /// The message id.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// The correlation id.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }

    /// The content type.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Where a reply goes.
    #[must_use]
    pub fn reply_to(&self) -> Option<&str> {
        self.reply_to.as_deref()
    }

    /// The first property that is longer than AMQP's short string, by name.
    #[must_use]
    pub fn too_long(&self) -> Option<&'static str> {
        let long = |text: &Option<ByteString>| text.as_ref().is_some_and(|text| text.len() > 255);
        let own = [
            ("content-type", &self.content_type),
            ("message-id", &self.message_id),
        ];
        let rare = self.rare.iter().flat_map(|rare| rare.texts());
        own.into_iter()
            .chain(rare)
            .find(|(_, text)| long(text))
            .map(|(name, _)| name)
    }
}

impl fmt::Debug for MessageProperties {
    /// Ids and names, never a header's value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageProperties")
            .field("message_id", &self.message_id)
            .field("correlation_id", &self.correlation_id)
            .field("content_type", &self.content_type)
            .field("delivery_mode", &self.delivery_mode)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_that_few_have_is_read_and_set_like_the_others() {
        let mut properties = MessageProperties::persistent();
        assert_eq!(properties.expiration, None);
        assert!(properties.rare.is_none(), "reading costs nothing");
        properties.expiration = Some("60000".into());
        assert_eq!(properties.expiration.as_deref(), Some("60000"));
        assert_ne!(properties, MessageProperties::persistent());
        properties.expiration = None;
        assert_eq!(properties, MessageProperties::persistent());
    }

    #[test]
    fn the_first_text_that_is_too_long_is_named() {
        let long = || Some("x".repeat(256).into());
        let mut properties = MessageProperties::persistent();
        assert_eq!(properties.too_long(), None);
        properties.app_id = long();
        assert_eq!(properties.too_long(), Some("app-id"));
        properties.message_id = long();
        assert_eq!(properties.too_long(), Some("message-id"));
    }
}
