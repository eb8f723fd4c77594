//! Puts a message together from its method, its header and its body frames.
//!
//! Routing facts, properties and a small body share one block of memory. A body of [`SMALL`] bytes and more that came
//! in one frame is a slice of the read buffer; one that came in several is gathered in a block of its own; one over the
//! limit is counted and left out.

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use crate::message::raw_content::{Apart, RawContentBody, RawContentBuilder};
use crate::message::{Limits, RawContent, table};

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
    /// The reply text of a return.
    pub(super) text: ByteString,
    pub(super) content: RawContent,
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
    #[error("more body than its header announced")]
    TooMuch,
}

impl From<Cut> for ContentError {
    fn from(_: Cut) -> Self {
        Self::Header
    }
}

#[derive(Debug, Default)]
pub(super) struct Assembly {
    carrier: Option<Carrier>,
    /// Exchange and routing key, until the header shows how large a block they go into.
    facts: RawContentBuilder,
    text: ByteString,
    content: Option<Content>,
}

#[derive(Debug)]
struct Content {
    block: RawContentBody,
    missing: u64,
    body: Body,
    headers_left_out: Option<u64>,
}

/// Where the body goes.
#[derive(Debug)]
enum Body {
    Block,
    Gathered(BytesMut),
    Slice(Bytes),
    /// Nowhere: so many bytes are over the limit.
    LeftOut(u64),
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
        self.facts.begin(exchange, routing_key);
        self.text = if text.is_empty() {
            ByteString::new()
        } else {
            table::text(Bytes::copy_from_slice(text))
        };
        Ok(())
    }

    /// Its header. `headers_left_out` is the size of its table, where that was too long to be taken.
    pub(super) fn header(
        &mut self,
        payload: &[u8],
        headers_left_out: Option<u64>,
        limits: &Limits,
    ) -> Result<Option<Complete>, ContentError> {
        if self.carrier.is_none() || self.content.is_some() {
            return Err(ContentError::Unannounced);
        }
        let mut fields = Fields(payload);
        fields.u32()?;
        let size = fields.u64()?;
        let (in_block, body) = match usize::try_from(size) {
            _ if size > limits.body => (0, Body::LeftOut(size)),
            Ok(size) if size < SMALL => (size, Body::Block),
            _ => (0, Body::Gathered(BytesMut::new())),
        };
        self.content = Some(Content {
            block: self.facts.properties(fields.0, in_block),
            missing: size,
            body,
            headers_left_out,
        });
        if size == 0 {
            self.complete().map(Some)
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
                && matches!(&content.body, Body::Gathered(none) if none.is_empty())
        })
    }

    /// The whole body, as a slice of the read buffer.
    pub(super) fn slice(&mut self, body: Bytes) -> Result<Option<Complete>, ContentError> {
        let content = self.content.as_mut().ok_or(ContentError::Unannounced)?;
        content.body = Body::Slice(body);
        self.complete().map(Some)
    }

    /// A piece of the body, to be copied.
    pub(super) fn body(&mut self, piece: &[u8]) -> Result<Option<Complete>, ContentError> {
        let content = self.content.as_mut().ok_or(ContentError::Unannounced)?;
        content.missing = content
            .missing
            .checked_sub(piece.len() as u64)
            .ok_or(ContentError::TooMuch)?;
        match &mut content.body {
            Body::Block => content.block.push(piece),
            Body::Gathered(body) => {
                if body.is_empty() {
                    let whole = content.missing + piece.len() as u64;
                    body.reserve(usize::try_from(whole).map_err(|_| ContentError::TooMuch)?);
                }
                body.extend_from_slice(piece);
            }
            Body::LeftOut(_) => {}
            Body::Slice(_) => return Err(ContentError::TooMuch),
        }
        if content.missing == 0 {
            self.complete().map(Some)
        } else {
            Ok(None)
        }
    }

    fn complete(&mut self) -> Result<Complete, ContentError> {
        let (Some(carrier), Some(content)) = (self.carrier.take(), self.content.take()) else {
            return Err(ContentError::Unannounced);
        };
        let (body, body_left_out) = match content.body {
            Body::Block => (None, None),
            Body::Gathered(body) => (Some(body.freeze()), None),
            Body::Slice(body) => (Some(body), None),
            Body::LeftOut(size) => (None, Some(size)),
        };
        let apart = Apart {
            body,
            body_left_out,
            headers_left_out: content.headers_left_out,
        };
        Ok(Complete {
            carrier,
            text: std::mem::take(&mut self.text),
            content: content
                .block
                .finish((apart != Apart::default()).then_some(apart)),
        })
    }
}
