use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;

use super::{MessageProperties, Value, page};

/// A body and its properties.
///
/// Its `Debug` shows ids and lengths, never the body.
#[derive(Clone, Default, PartialEq)]
pub struct Message {
    properties: MessageProperties,
    body: Bytes,
}

impl Message {
    /// A persistent message with this body and no other property.
    #[must_use]
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            properties: MessageProperties::persistent(),
            body: body.into(),
        }
    }

    /// A message of these parts.
    #[must_use]
    pub fn from_parts(properties: MessageProperties, body: Bytes) -> Self {
        Self { properties, body }
    }

    /// Its parts.
    #[must_use]
    pub fn into_parts(self) -> (MessageProperties, Bytes) {
        (self.properties, self.body)
    }

    /// Sets the body.
    pub(crate) fn set_body(&mut self, body: Bytes) {
        self.body = body;
    }

    /// The same, for who may keep it for long: see [`page`].
    pub(crate) fn detached(mut self) -> Self {
        if let Some(id) = &mut self.properties.message_id {
            *id = ByteString::from(&**id);
        }
        self.body = page::detached(self.body);
        self
    }

    /// The body.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The properties.
    #[must_use]
    pub fn properties(&self) -> &MessageProperties {
        &self.properties
    }

    /// The properties, to change them.
    pub fn properties_mut(&mut self) -> &mut MessageProperties {
        &mut self.properties
    }

    /// The message id, if it has one.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.properties.message_id()
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&Value> {
        self.properties.headers.get(name)
    }

    /// The same message with a header set.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<ByteString>, value: impl Into<Value>) -> Self {
        self.properties.headers.insert(name, value);
        self
    }

    /// The same message with another content type.
    #[must_use]
    pub fn with_content_type(mut self, content_type: impl Into<ByteString>) -> Self {
        self.properties.content_type = Some(content_type.into());
        self
    }

    /// The same message with another id.
    #[must_use]
    pub fn with_message_id(mut self, id: impl Into<ByteString>) -> Self {
        self.properties.message_id = Some(id.into());
        self
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("message_id", &self.properties.message_id)
            .field("correlation_id", &self.properties.correlation_id)
            .field("content_type", &self.properties.content_type)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl From<Bytes> for Message {
    fn from(body: Bytes) -> Self {
        Self::new(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_ids_and_lengths_and_nothing_that_was_said() {
        let mut message = Message::new("body-kept-quiet")
            .with_message_id("message-7")
            .with_header("x-token", "header-kept-quiet");
        message.properties_mut().correlation_id = Some("correlation-9".into());
        let pretty = format!("{message:#?}");
        let shown = format!("{message:?}");
        for text in [&shown, &pretty] {
            for expected in ["message-7", "correlation-9", "body_bytes: 15"] {
                assert!(text.contains(expected), "no `{expected}` in {text}");
            }
            // Neither as text nor as numbers.
            for secret in ["kept-quiet", "98, 111, 100, 121"] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }
}
