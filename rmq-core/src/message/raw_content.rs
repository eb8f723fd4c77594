//! A message as it came: bytes that nobody has read yet.

use std::fmt;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use super::wire::{self, Glance};
use super::{HeaderLimits, Message, MessageProperties, TableError};

/// A message as the broker sent it: exchange, routing key, properties and body, unread.
///
/// All of it is one block of memory, but for a large body. So a message that waits costs little more than its bytes.
#[derive(Clone, Default)]
pub struct RawContent {
    /// Exchange, routing key, properties, and then the body if it is here.
    pub(super) block: Bytes,
    apart: Option<Box<Apart>>,
    exchange_end: u16,
    routing_key_end: u16,
    properties_end: u32,
}

/// What is not in the block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Apart {
    /// The body, where it is too large for the block.
    pub body: Option<Bytes>,
    /// How many bytes of body were left out, for being over the limit.
    pub body_left_out: Option<u64>,
    /// How many bytes of header table were left out, for being over the limit.
    pub headers_left_out: Option<u64>,
}

/// Puts a [`RawContent`] together: exchange and routing key, then the properties, then a small body.
#[derive(Debug, Default)]
pub struct RawContentBuilder {
    facts: Vec<u8>,
    exchange_end: u16,
}

/// One whose body has yet to come.
#[derive(Debug)]
pub struct RawContentBody {
    block: BytesMut,
    exchange_end: u16,
    routing_key_end: u16,
    properties_end: u32,
}

impl RawContentBuilder {
    /// Begins with where it was published to. The same builder serves one message after another.
    pub fn begin(&mut self, exchange: &[u8], routing_key: &[u8]) {
        self.facts.clear();
        push_text(&mut self.facts, exchange);
        self.exchange_end = position(self.facts.len());
        push_text(&mut self.facts, routing_key);
    }

    /// The properties, and how many bytes of body the block is to hold.
    #[must_use]
    pub fn properties(&self, properties: &[u8], body: usize) -> RawContentBody {
        let facts = self.facts.len();
        let mut block = BytesMut::with_capacity(facts + properties.len() + body);
        block.extend_from_slice(&self.facts);
        block.extend_from_slice(properties);
        RawContentBody {
            exchange_end: self.exchange_end,
            routing_key_end: position(facts),
            properties_end: u32::try_from(block.len()).unwrap_or(u32::MAX),
            block,
        }
    }
}

impl RawContentBody {
    /// A piece of the small body.
    pub fn push(&mut self, piece: &[u8]) {
        self.block.extend_from_slice(piece);
    }

    /// It is whole.
    #[must_use]
    pub fn finish(self, apart: Option<Apart>) -> RawContent {
        RawContent {
            block: self.block.freeze(),
            apart: apart.map(Box::new),
            exchange_end: self.exchange_end,
            routing_key_end: self.routing_key_end,
            properties_end: self.properties_end,
        }
    }
}

/// Names of other programs need not be UTF-8; they are kept so that they can be read as text.
fn push_text(out: &mut Vec<u8>, text: &[u8]) {
    match String::from_utf8_lossy(text) {
        std::borrow::Cow::Borrowed(text) => out.extend_from_slice(text.as_bytes()),
        std::borrow::Cow::Owned(text) => out.extend_from_slice(text.as_bytes()),
    }
}

/// Two short strings, three bytes for each that is not UTF-8.
fn position(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

impl RawContent {
    /// Where it was published to, and nothing else.
    pub(super) fn without_content(exchange: &str, routing_key: &str) -> Self {
        let mut builder = RawContentBuilder::default();
        builder.begin(exchange.as_bytes(), routing_key.as_bytes());
        builder.properties(&[], 0).finish(None)
    }

    fn part(&self, from: usize, to: usize) -> &[u8] {
        self.block.get(from..to).unwrap_or_default()
    }

    fn text(&self, from: u16, to: u16) -> &str {
        // Put in as text.
        std::str::from_utf8(self.part(from.into(), to.into())).unwrap_or_default()
    }

    /// The exchange it was published to.
    #[must_use]
    pub fn exchange(&self) -> &str {
        self.text(0, self.exchange_end)
    }

    /// The routing key it was published with.
    #[must_use]
    pub fn routing_key(&self) -> &str {
        self.text(self.exchange_end, self.routing_key_end)
    }

    pub(super) fn properties_range(&self) -> std::ops::Range<usize> {
        let end = usize::try_from(self.properties_end).unwrap_or(usize::MAX);
        usize::from(self.routing_key_end)..end
    }

    /// The few properties that are looked at without reading them all.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn glance(&self) -> Result<Glance<'_>, TableError> {
        let range = self.properties_range();
        wire::glance(self.part(range.start, range.end))
    }

    /// The message id, sharing this block's memory.
    pub(super) fn message_id(&self) -> Option<ByteString> {
        let id = self.glance().ok()?.message_id?;
        Some(super::table::text(self.block.slice_ref(id)))
    }

    /// What is not in the block.
    #[must_use]
    pub fn apart(&self) -> Option<&Apart> {
        self.apart.as_deref()
    }

    /// How many bytes of body the message has at the broker.
    #[must_use]
    pub fn body_len(&self) -> u64 {
        let apart = self.apart();
        let apart = apart.and_then(|apart| {
            let here = apart.body.as_ref().map(|body| body.len() as u64);
            apart.body_left_out.or(here)
        });
        let here = self.block.len().saturating_sub(self.properties_range().end);
        apart.unwrap_or(here as u64)
    }

    /// The body as far as it is here.
    pub(super) fn body(&self) -> &[u8] {
        match self.apart().and_then(|apart| apart.body.as_ref()) {
            Some(body) => body,
            None => self.part(self.properties_range().end, self.block.len()),
        }
    }

    /// Reads the properties. What cannot be read reads as none.
    #[must_use]
    pub fn message(&self, limits: HeaderLimits) -> Message {
        let range = self.properties_range();
        let properties = if range.is_empty() {
            MessageProperties::default()
        } else {
            wire::read_properties(self.block.slice(range.clone()), limits).unwrap_or_default()
        };
        let body = match self.apart().and_then(|apart| apart.body.as_ref()) {
            Some(body) => body.clone(),
            None => self.block.slice(range.end..),
        };
        Message::from_parts(properties, body)
    }
}

impl fmt::Debug for RawContent {
    /// Names and lengths.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawContent")
            .field("exchange", &self.exchange())
            .field("routing_key", &self.routing_key())
            .field("properties_bytes", &self.properties_range().len())
            .field("body_bytes", &self.body_len())
            .finish()
    }
}
