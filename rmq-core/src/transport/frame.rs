//! Frames as bytes (AMQP 0-9-1 section 4.2.3): written into a buffer, read without copying and without recursion.

use bytes::{BufMut, BytesMut};

pub(super) const METHOD: u8 = 1;
pub(super) const HEADER: u8 = 2;
pub(super) const BODY: u8 = 3;
pub(super) const HEARTBEAT: u8 = 8;
pub(super) const END: u8 = 0xCE;

/// Type, channel and size.
pub(super) const PREFIX: usize = 7;
/// What a frame weighs beyond its payload.
pub(super) const OVERHEAD: usize = PREFIX + 1;
/// The smallest frame size that two peers may agree on, and the largest frame before they have agreed
/// (RabbitMQ's `connection.start` fits; the limit is ours).
pub(super) const SMALLEST_FRAME_MAX: u32 = 4096;

/// A method: class in the upper half, method in the lower.
pub(super) type MethodId = u32;

macro_rules! methods {
    ($($name:ident = $class:literal, $method:literal;)*) => {
        $(pub(super) const $name: MethodId = ($class << 16) | $method;)*
    };
}

methods! {
    CONNECTION_START = 10, 10;
    CONNECTION_START_OK = 10, 11;
    CONNECTION_SECURE = 10, 20;
    CONNECTION_TUNE = 10, 30;
    CONNECTION_TUNE_OK = 10, 31;
    CONNECTION_CLOSE = 10, 50;
    CONNECTION_CLOSE_OK = 10, 51;
    CONNECTION_BLOCKED = 10, 60;
    CONNECTION_UNBLOCKED = 10, 61;
    CONNECTION_UPDATE_SECRET = 10, 70;
    CHANNEL_OPEN = 20, 10;
    CHANNEL_FLOW = 20, 20;
    CHANNEL_FLOW_OK = 20, 21;
    CHANNEL_CLOSE = 20, 40;
    CHANNEL_CLOSE_OK = 20, 41;
    BASIC_CANCEL = 60, 30;
    BASIC_CANCEL_OK = 60, 31;
    BASIC_PUBLISH = 60, 40;
    BASIC_RETURN = 60, 50;
    BASIC_DELIVER = 60, 60;
    BASIC_GET = 60, 70;
    BASIC_GET_OK = 60, 71;
    BASIC_GET_EMPTY = 60, 72;
    BASIC_ACK = 60, 80;
    BASIC_REJECT = 60, 90;
    BASIC_NACK = 60, 120;
}

/// Appends a frame around what `payload` appends.
pub(super) fn frame(
    out: &mut BytesMut,
    kind: u8,
    channel: u16,
    payload: impl FnOnce(&mut BytesMut),
) {
    out.put_u8(kind);
    out.put_u16(channel);
    crate::message::table::with_length(out, payload);
    out.put_u8(END);
}

/// Appends a method frame.
pub(super) fn method(
    out: &mut BytesMut,
    channel: u16,
    id: MethodId,
    arguments: impl FnOnce(&mut BytesMut),
) {
    frame(out, METHOD, channel, |out| {
        out.put_u32(id);
        arguments(out);
    });
}

/// Appends a heartbeat.
pub(super) fn heartbeat(out: &mut BytesMut) {
    frame(out, HEARTBEAT, 0, |_| {});
}

/// Appends a body, cut into frames of at most `frame_max` bytes.
pub(super) fn body(out: &mut BytesMut, channel: u16, body: &[u8], frame_max: usize) {
    for piece in body.chunks(frame_max.saturating_sub(OVERHEAD).max(1)) {
        out.reserve(piece.len() + OVERHEAD);
        out.put_u8(BODY);
        out.put_u16(channel);
        out.put_u32(u32::try_from(piece.len()).unwrap_or(u32::MAX));
        out.put_slice(piece);
        out.put_u8(END);
    }
}

/// A frame's first seven bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) kind: u8,
    pub(super) channel: u16,
    pub(super) size: usize,
}

impl Prefix {
    /// Reads it, if it is all there.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let &[kind, c0, c1, s0, s1, s2, s3] = bytes.first_chunk::<PREFIX>()?;
        Some(Self {
            kind,
            channel: u16::from_be_bytes([c0, c1]),
            size: usize::try_from(u32::from_be_bytes([s0, s1, s2, s3])).unwrap_or(usize::MAX),
        })
    }
}

/// A method frame's payload ended too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut;

/// Reads the fields of a method one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Cut> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Cut)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Cut> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Cut> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Cut> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Cut> {
        self.array().map(u64::from_be_bytes)
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], Cut> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(Cut)?;
        self.0 = rest;
        Ok(head)
    }

    /// A short string: its bytes, which need not be UTF-8.
    pub(super) fn short(&mut self) -> Result<&'a [u8], Cut> {
        let length = usize::from(self.u8()?);
        self.slice(length)
    }

    /// A long string or a table's content.
    pub(super) fn long(&mut self) -> Result<&'a [u8], Cut> {
        let length = usize::try_from(self.u32()?).map_err(|_| Cut)?;
        self.slice(length)
    }
}

/// A broker's short string as text, readable in any case.
pub(super) fn text(bytes: &[u8]) -> bytestring::ByteString {
    String::from_utf8_lossy(bytes).into_owned().into()
}
