//! Puts a message together from its method, its header and its body frames.
//!
//! Routing facts, properties and a small body share one block of memory. A body of [`SMALL`] bytes and more that came
//! in one frame is a slice of the read buffer; one that came in several is gathered in a block of its own.

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use crate::message::{HeaderLimits, Message, table, wire};

use super::Limits;
use super::frame::{Cut, Fields};

/// A slice of the read buffer pins all of it: a body below this is copied.
pub(super) const SMALL: usize = 4096;

/// What brought the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    Deliver {
        /// The consumer's place in the channel's list.
        consumer: usize,
        tag: u64,
        redelivered: bool,
    },
    Got {
        tag: u64,
        redelivered: bool,
        remaining: u32,
    },
    Return {
        code: u16,
    },
}

/// A whole message.
#[derive(Debug)]
pub(super) struct Complete {
    pub(super) carrier: Carrier,
    pub(super) exchange: ByteString,
    pub(super) routing_key: ByteString,
    /// The reply text of a return.
    pub(super) text: ByteString,
    pub(super) message: Message,
}

/// Why a content was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ContentError {
    #[error("a content frame that no method announced")]
    Unannounced,
    #[error("a method in the middle of a message's content")]
    Interrupted,
    #[error("a content header that is cut off")]
    Header,
    #[error(
        "a message of {size} bytes, over the limit of {limit} (`max-inbound-message-body-size`)"
    )]
    TooLarge { size: u64, limit: u64 },
    #[error("more body than its header announced")]
    TooMuch,
    #[error("properties that cannot be read")]
    Properties,
}

impl From<Cut> for ContentError {
    fn from(_: Cut) -> Self {
        Self::Header
    }
}

#[derive(Debug, Default)]
pub(super) struct Assembly {
    carrier: Option<Carrier>,
    /// Exchange, routing key and text, until the header shows how large a block they go into.
    facts: Vec<u8>,
    ends: [usize; 2],
    content: Option<Content>,
}

#[derive(Debug)]
struct Content {
    block: BytesMut,
    facts: usize,
    properties: usize,
    missing: u64,
    large: Large,
}

#[derive(Debug)]
enum Large {
    No,
    Gathered(BytesMut),
    Slice(Bytes),
}

impl Assembly {
    /// Whether a message is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.carrier.is_some()
    }

    /// A method announces a content.
    pub(super) fn begin(
        &mut self,
        carrier: Carrier,
        exchange: &[u8],
        routing_key: &[u8],
        text: &[u8],
    ) -> Result<(), ContentError> {
        if self.carrier.replace(carrier).is_some() {
            return Err(ContentError::Interrupted);
        }
        self.facts.clear();
        self.facts.extend_from_slice(exchange);
        self.facts.extend_from_slice(routing_key);
        self.ends = [exchange.len(), exchange.len() + routing_key.len()];
        self.facts.extend_from_slice(text);
        Ok(())
    }

    /// Its header.
    pub(super) fn header(
        &mut self,
        payload: &[u8],
        limits: &Limits,
    ) -> Result<Option<Complete>, ContentError> {
        if self.carrier.is_none() || self.content.is_some() {
            return Err(ContentError::Unannounced);
        }
        let mut fields = Fields(payload);
        fields.u32()?;
        let size = fields.u64()?;
        if size > limits.body {
            return Err(ContentError::TooLarge {
                size,
                limit: limits.body,
            });
        }
        let properties = fields.0;
        let small = usize::try_from(size).ok().filter(|size| *size < SMALL);
        let mut block =
            BytesMut::with_capacity(self.facts.len() + properties.len() + small.unwrap_or(0));
        block.extend_from_slice(&self.facts);
        block.extend_from_slice(properties);
        self.content = Some(Content {
            facts: self.facts.len(),
            properties: block.len(),
            block,
            missing: size,
            large: if small.is_some() {
                Large::No
            } else {
                Large::Gathered(BytesMut::new())
            },
        });
        if size == 0 {
            self.complete(limits.headers).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Whether a body frame of this size is the whole body of a message, and large enough to be kept as a slice.
    pub(super) fn wants_slice(&self, size: usize) -> bool {
        let content = self.content.as_ref();
        content.is_some_and(|content| {
            size >= SMALL
                && content.missing == size as u64
                && matches!(&content.large, Large::Gathered(none) if none.is_empty())
        })
    }

    /// The whole body, as a slice of the read buffer.
    pub(super) fn slice(
        &mut self,
        body: Bytes,
        limits: &Limits,
    ) -> Result<Option<Complete>, ContentError> {
        let content = self.content.as_mut().ok_or(ContentError::Unannounced)?;
        content.large = Large::Slice(body);
        self.complete(limits.headers).map(Some)
    }

    /// A piece of the body, to be copied.
    pub(super) fn body(
        &mut self,
        piece: &[u8],
        limits: &Limits,
    ) -> Result<Option<Complete>, ContentError> {
        let content = self.content.as_mut().ok_or(ContentError::Unannounced)?;
        content.missing = content
            .missing
            .checked_sub(piece.len() as u64)
            .ok_or(ContentError::TooMuch)?;
        match &mut content.large {
            Large::No => content.block.extend_from_slice(piece),
            Large::Gathered(body) => {
                if body.is_empty() {
                    let whole = content.missing + piece.len() as u64;
                    body.reserve(usize::try_from(whole).map_err(|_| ContentError::TooMuch)?);
                }
                body.extend_from_slice(piece);
            }
            Large::Slice(_) => return Err(ContentError::TooMuch),
        }
        if content.missing == 0 {
            self.complete(limits.headers).map(Some)
        } else {
            Ok(None)
        }
    }

    fn complete(&mut self, limits: HeaderLimits) -> Result<Complete, ContentError> {
        let (Some(carrier), Some(content)) = (self.carrier.take(), self.content.take()) else {
            return Err(ContentError::Unannounced);
        };
        let block = content.block.freeze();
        let fact = |from: usize, to: usize| {
            if from == to {
                ByteString::new()
            } else {
                table::text(block.slice(from..to))
            }
        };
        let [exchange, routing_key] = self.ends;
        let properties = block.slice(content.facts..content.properties);
        let properties =
            wire::read_properties(properties, limits).map_err(|_| ContentError::Properties)?;
        let body = match content.large {
            Large::No => block.slice(content.properties..),
            Large::Gathered(body) => body.freeze(),
            Large::Slice(body) => body,
        };
        Ok(Complete {
            carrier,
            exchange: fact(0, exchange),
            routing_key: fact(exchange, routing_key),
            text: fact(routing_key, content.facts),
            message: Message::from_parts(properties, body),
        })
    }
}
