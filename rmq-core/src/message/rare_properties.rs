use bytestring::ByteString;

/// The properties that few messages have. A [`MessageProperties`](super::MessageProperties) reaches them as if they
/// were its own fields, and holds them apart: a message in flight weighs a third of what it would with them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RareProperties {
    /// Encoding of the body, such as `gzip`.
    pub content_encoding: Option<ByteString>,
    /// Which request a reply answers.
    pub correlation_id: Option<ByteString>,
    /// Where a reply goes.
    pub reply_to: Option<ByteString>,
    /// Milliseconds until the broker drops or dead-letters it, as text (AMQP's form).
    pub expiration: Option<ByteString>,
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

impl RareProperties {
    /// The texts, each with its name in AMQP.
    pub(super) fn texts(&self) -> [(&'static str, &Option<ByteString>); 8] {
        [
            ("content-encoding", &self.content_encoding),
            ("correlation-id", &self.correlation_id),
            ("reply-to", &self.reply_to),
            ("expiration", &self.expiration),
            ("type", &self.kind),
            ("user-id", &self.user_id),
            ("app-id", &self.app_id),
            ("cluster-id", &self.cluster_id),
        ]
    }
}

/// What a message without any of them has.
pub(super) static NONE: RareProperties = RareProperties {
    content_encoding: None,
    correlation_id: None,
    reply_to: None,
    expiration: None,
    timestamp: None,
    kind: None,
    user_id: None,
    app_id: None,
    cluster_id: None,
};
