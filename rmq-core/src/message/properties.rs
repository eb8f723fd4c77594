use std::fmt;

use bytestring::ByteString;

use super::Headers;

/// Whether the broker keeps a message on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeliveryMode {
    /// Gone when the broker stops (1).
    Transient,
    /// Kept (2). The default of everything this crate sends.
    #[default]
    Persistent,
}

/// The properties of a message (AMQP 0-9-1 basic class; Spring's `MessageProperties`).
#[derive(Clone, Default, PartialEq)]
pub struct MessageProperties {
    /// MIME type of the body.
    pub content_type: Option<ByteString>,
    /// Encoding of the body, such as `gzip`.
    pub content_encoding: Option<ByteString>,
    /// The headers.
    pub headers: Headers,
    /// Persistent unless it says otherwise; `None` on a received message that did not say.
    pub delivery_mode: Option<DeliveryMode>,
    /// 0 to 9, or up to the queue's `x-max-priority`.
    pub priority: Option<u8>,
    /// Which request a reply answers.
    pub correlation_id: Option<ByteString>,
    /// Where a reply goes.
    pub reply_to: Option<ByteString>,
    /// Milliseconds until the broker drops or dead-letters it, as text (AMQP's form).
    pub expiration: Option<ByteString>,
    /// The message's own id: text, by default a UUID (version 7).
    pub message_id: Option<ByteString>,
    /// Seconds since 1970.
    pub timestamp: Option<u64>,
    /// The `type` property: name of the message's kind.
    pub kind: Option<ByteString>,
    /// The user who sent it; the broker checks it.
    pub user_id: Option<ByteString>,
    /// The program that sent it.
    pub app_id: Option<ByteString>,
    /// Deprecated in AMQP, kept for what other programs send.
    pub cluster_id: Option<ByteString>,
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
        let texts = [
            ("content-type", &self.content_type),
            ("content-encoding", &self.content_encoding),
            ("correlation-id", &self.correlation_id),
            ("reply-to", &self.reply_to),
            ("expiration", &self.expiration),
            ("message-id", &self.message_id),
            ("type", &self.kind),
            ("user-id", &self.user_id),
            ("app-id", &self.app_id),
            ("cluster-id", &self.cluster_id),
        ];
        let long = |text: &Option<ByteString>| text.as_ref().is_some_and(|text| text.len() > 255);
        texts
            .into_iter()
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
