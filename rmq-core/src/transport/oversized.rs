//! A content header whose table is longer than we take: the table is skipped as it comes, the rest is kept.
//!
//! A broker does not cut a content header into frames, nor hold it to the frame size agreed on: a publisher with larger
//! frames, or a dead-lettering that adds to the headers, brings one over it. That is an event of one message.

use bytes::{Buf, BytesMut};

use super::frame::{self, Cut, Fields, Prefix};
use super::reader::{Stop, protocol};

/// Class, weight, body size, flags, two short strings and the table's length: all that can stand before the table.
const HEAD: usize = 12 + 2 + 2 * 256 + 4;
/// All that can stand behind it: eight short strings and ten bytes more.
const TAIL: usize = 8 * 256 + 10;
/// What a header needs beside its table.
pub(super) const BESIDE_TABLE: usize = HEAD + TAIL;

/// The bit of the flags that announces a table, in their first byte.
const HAS_TABLE: u8 = 1 << 5;

/// See the module.
#[derive(Debug)]
pub(super) struct Oversized {
    pub(super) channel: u16,
    /// The payload without its table.
    pub(super) payload: Vec<u8>,
    /// Bytes of the table.
    pub(super) table: u64,
    to_skip: usize,
    behind: usize,
}

impl Oversized {
    /// Looks at the beginning of such a frame and takes it out of the buffer; `None` while too little of it is here.
    pub(super) fn begin(prefix: Prefix, buffer: &mut BytesMut) -> Result<Option<Self>, Stop> {
        let Some(head) = buffer.get(frame::PREFIX..frame::PREFIX + HEAD) else {
            buffer.reserve(frame::PREFIX + HEAD);
            return Ok(None);
        };
        let (before, table) = layout(head)?.ok_or_else(senseless)?;
        let behind = prefix.size.checked_sub(before + 4 + table);
        let behind = behind
            .filter(|behind| *behind <= TAIL)
            .ok_or_else(senseless)?;
        let mut payload = head.get(..before).unwrap_or_default().to_vec();
        if let Some(flags) = payload.get_mut(12) {
            *flags &= !HAS_TABLE;
        }
        buffer.advance(frame::PREFIX + before + 4);
        Ok(Some(Self {
            channel: prefix.channel,
            payload,
            table: table as u64,
            to_skip: table,
            behind,
        }))
    }

    /// Takes what has come of it out of the buffer. True when it is whole.
    pub(super) fn take(&mut self, buffer: &mut BytesMut) -> Result<bool, Stop> {
        let skipped = self.to_skip.min(buffer.len());
        buffer.advance(skipped);
        self.to_skip -= skipped;
        if self.to_skip > 0 || buffer.len() <= self.behind {
            return Ok(false);
        }
        self.payload
            .extend_from_slice(&buffer.split_to(self.behind));
        if buffer.get_u8() != frame::END {
            return Err(protocol("a frame without its end octet"));
        }
        Ok(true)
    }
}

fn senseless() -> Stop {
    protocol("a content header that is too long, though its table is not")
}

/// How many bytes stand before the table's length, and that length; `None` without a table.
fn layout(head: &[u8]) -> Result<Option<(usize, usize)>, Cut> {
    let mut fields = Fields(head);
    fields.u32()?;
    fields.u64()?;
    let flags = fields.u16()?;
    for text in [1 << 15, 1 << 14] {
        if flags & text != 0 {
            fields.short()?;
        }
    }
    if flags & (1 << 13) == 0 {
        return Ok(None);
    }
    let before = head.len() - fields.0.len();
    let table = usize::try_from(fields.u32()?).unwrap_or(usize::MAX / 2);
    Ok(Some((before, table)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use bytes::BufMut;

    use super::*;
    use crate::message::{MessageProperties, wire};

    fn header(properties: &MessageProperties) -> BytesMut {
        let mut out = BytesMut::new();
        frame::frame(&mut out, frame::HEADER, 3, |out| {
            out.put_u32(60 << 16);
            out.put_u64(5);
            wire::write_properties(out, properties, None);
        });
        out
    }

    fn properties(table: usize) -> MessageProperties {
        MessageProperties {
            content_type: Some("text/plain".into()),
            headers: [("x-long", "x".repeat(table))].into_iter().collect(),
            message_id: Some("m-1".into()),
            ..MessageProperties::persistent()
        }
    }

    #[test]
    fn the_table_is_skipped_and_the_rest_kept_however_it_comes() {
        let whole = header(&properties(10_000));
        for piece in [1, 7, 600, 5_000, whole.len()] {
            let (mut buffer, mut begun) = (BytesMut::new(), None::<Oversized>);
            let mut done = false;
            for bytes in whole.chunks(piece) {
                assert!(!done);
                buffer.extend_from_slice(bytes);
                if begun.is_none() && buffer.len() >= frame::PREFIX {
                    let prefix = Prefix::read(&whole).unwrap();
                    begun = Oversized::begin(prefix, &mut buffer).unwrap();
                }
                if let Some(begun) = &mut begun {
                    done = begun.take(&mut buffer).unwrap();
                    assert!(buffer.len() <= piece + HEAD + TAIL);
                }
            }
            let begun = begun.unwrap();
            assert!(done && buffer.is_empty(), "in pieces of {piece}");
            let seen = wire::glance(&begun.payload[12..]).unwrap();
            assert_eq!((seen.message_id, seen.headers), (Some(&b"m-1"[..]), None));
            assert_eq!(begun.table, 10_000 + 7 + 5);
            assert_eq!(begun.channel, 3);
        }
    }

    #[test]
    fn a_header_that_is_long_without_a_long_table_makes_no_sense() {
        for claim in [4_u32, u32::MAX] {
            let mut whole = header(&properties(10_000));
            let at = frame::PREFIX + 12 + 2 + 11;
            whole[at..at + 4].copy_from_slice(&claim.to_be_bytes());
            let prefix = Prefix::read(&whole).unwrap();
            assert!(Oversized::begin(prefix, &mut whole).is_err());
        }
    }
}
