use bytestring::ByteString;

use super::Message;

/// A message that the broker gave back because no queue took it (`basic.return`; Spring's `ReturnedMessage`).
#[derive(Debug, Clone, PartialEq)]
pub struct ReturnedMessage {
    message: Message,
    reply_code: u16,
    reply_text: ByteString,
    exchange: ByteString,
    routing_key: ByteString,
    body_left_out: bool,
}

impl ReturnedMessage {
    /// A returned message of these parts.
    #[must_use]
    pub const fn new(
        message: Message,
        reply_code: u16,
        reply_text: ByteString,
        exchange: ByteString,
        routing_key: ByteString,
    ) -> Self {
        Self {
            message,
            reply_code,
            reply_text,
            exchange,
            routing_key,
            body_left_out: false,
        }
    }

    /// Its body was over the limit on what the broker may send, and was not taken.
    pub(crate) const fn without_body(mut self) -> Self {
        self.body_left_out = true;
        self
    }

    /// Puts in the message as its sender holds it, if what came back was not whole.
    pub(crate) fn completed(mut self, own: Option<&Message>) -> Self {
        if self.body_left_out
            && let Some(own) = own
        {
            self.message = own.clone().detached();
            self.body_left_out = false;
        }
        self
    }

    /// The whole message, as it was sent.
    #[must_use]
    pub const fn message(&self) -> &Message {
        &self.message
    }

    /// The whole message, owned.
    #[must_use]
    pub fn into_message(self) -> Message {
        self.message
    }

    /// The broker's code: 312 is NO_ROUTE.
    #[must_use]
    pub const fn reply_code(&self) -> u16 {
        self.reply_code
    }

    /// The broker's words.
    #[must_use]
    pub fn reply_text(&self) -> &str {
        &self.reply_text
    }

    /// The exchange it was sent to.
    #[must_use]
    pub fn exchange(&self) -> &str {
        &self.exchange
    }

    /// The routing key it was sent with.
    #[must_use]
    pub fn routing_key(&self) -> &str {
        &self.routing_key
    }
}
