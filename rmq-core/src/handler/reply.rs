use std::fmt;

use bytestring::ByteString;
use serde::Serialize;

use crate::converter::{ConversionError, MessageConverter, Payload};
use crate::message::{Message, MessageProperties, Value};

/// A listener's answer: it is sent to the request's `reply_to` with its correlation id, and the request is acknowledged
/// after the answer was confirmed.
#[derive(Debug, Clone)]
pub struct Reply<T> {
    payload: T,
    properties: MessageProperties,
}

impl<T: Serialize> Reply<T> {
    /// This answer.
    #[must_use]
    pub fn new(payload: T) -> Self {
        Self {
            payload,
            properties: MessageProperties::persistent(),
        }
    }

    /// The same answer with a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<ByteString>, value: impl Into<Value>) -> Self {
        self.properties.headers.insert(name, value);
        self
    }

    /// The answer's value, for tests of a handler.
    pub const fn payload(&self) -> &T {
        &self.payload
    }
}

/// An answer before it is written.
pub struct OutgoingReply {
    payload: Box<dyn Payload + Send>,
    properties: MessageProperties,
}

impl OutgoingReply {
    /// Writes it with a converter.
    ///
    /// # Errors
    /// When it cannot be written: that fails the handler's attempt.
    pub fn into_message(
        self,
        converter: &dyn MessageConverter,
    ) -> Result<Message, ConversionError> {
        let mut properties = self.properties;
        let body = converter.write(&*self.payload, &mut properties)?;
        Ok(Message::from_parts(properties, body))
    }
}

impl<T: Serialize + Send + 'static> From<Reply<T>> for OutgoingReply {
    fn from(reply: Reply<T>) -> Self {
        Self {
            payload: Box::new(reply.payload),
            properties: reply.properties,
        }
    }
}

impl fmt::Debug for OutgoingReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingReply")
            .field("type", &self.payload.type_name())
            .finish_non_exhaustive()
    }
}
