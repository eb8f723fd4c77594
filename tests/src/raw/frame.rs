use amq_protocol::frame::{AMQPFrame, WriteContext, gen_frame};
use amq_protocol::protocol::{AMQPClass, parse_class};
use bytes::{BufMut, Bytes, BytesMut};

use super::RawError;

/// The octet that ends every frame.
pub(crate) const FRAME_END: u8 = 0xCE;
/// Type, channel and length.
pub(crate) const FRAME_HEAD: usize = 7;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// Type 1.
    Method,
    /// Type 2.
    Header,
    /// Type 3.
    Body,
    /// Type 8.
    Heartbeat,
}

impl FrameKind {
    pub(crate) fn from_octet(octet: u8) -> Option<Self> {
        match octet {
            1 => Some(Self::Method),
            2 => Some(Self::Header),
            3 => Some(Self::Body),
            8 => Some(Self::Heartbeat),
            _ => None,
        }
    }

    fn octet(self) -> u8 {
        match self {
            Self::Method => 1,
            Self::Header => 2,
            Self::Body => 3,
            Self::Heartbeat => 8,
        }
    }
}

/// One frame as it is on the wire, without its end octet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it carries.
    pub kind: FrameKind,
    /// Its channel; 0 is the connection.
    pub channel: u16,
    /// What stands between the head and the end octet.
    pub payload: Bytes,
}

impl Frame {
    /// A method frame.
    ///
    /// # Errors
    /// The method can't be written.
    pub fn method(channel: u16, method: AMQPClass) -> Result<Self, RawError> {
        let payload = payload_of(&AMQPFrame::Method(channel, method))?;
        Ok(Self {
            kind: FrameKind::Method,
            channel,
            payload,
        })
    }

    /// A method frame of any bytes: class, method and arguments as the test spells them.
    #[must_use]
    pub fn spelled(channel: u16, class: u16, method: u16, arguments: &[u8]) -> Self {
        let mut payload = BytesMut::new();
        payload.put_u16(class);
        payload.put_u16(method);
        payload.put_slice(arguments);
        Self {
            kind: FrameKind::Method,
            channel,
            payload: payload.freeze(),
        }
    }

    /// A heartbeat.
    #[must_use]
    pub fn heartbeat() -> Self {
        Self {
            kind: FrameKind::Heartbeat,
            channel: 0,
            payload: Bytes::new(),
        }
    }

    /// The header frame of a message: `properties` are the flags and the list that follows them.
    #[must_use]
    pub fn header(channel: u16, body_size: u64, properties: &[u8]) -> Self {
        let mut payload = BytesMut::with_capacity(12 + properties.len());
        payload.put_u16(60);
        payload.put_u16(0);
        payload.put_u64(body_size);
        payload.put_slice(properties);
        Self {
            kind: FrameKind::Header,
            channel,
            payload: payload.freeze(),
        }
    }

    /// One piece of a body.
    #[must_use]
    pub fn body(channel: u16, piece: Bytes) -> Self {
        Self {
            kind: FrameKind::Body,
            channel,
            payload: piece,
        }
    }

    /// Everything, the end octet included.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(FRAME_HEAD + self.payload.len() + 1);
        bytes.put_u8(self.kind.octet());
        bytes.put_u16(self.channel);
        bytes.put_u32(u32::try_from(self.payload.len()).unwrap_or(u32::MAX));
        bytes.put_slice(&self.payload);
        bytes.put_u8(FRAME_END);
        bytes.freeze()
    }

    /// The method that a method frame holds.
    ///
    /// # Errors
    /// It is another frame, or its bytes are no method.
    pub fn to_method(&self) -> Result<AMQPClass, RawError> {
        if self.kind != FrameKind::Method {
            return Err(RawError::new(format!(
                "a method was due, and a frame {:?} came",
                self.kind
            )));
        }
        match parse_class(&self.payload[..]) {
            Ok((_, method)) => Ok(method),
            Err(error) => Err(RawError::new(format!(
                "a method that can't be read: {error:?}"
            ))),
        }
    }
}

/// What `amq-protocol` writes between the head and the end octet.
pub(crate) fn payload_of(frame: &AMQPFrame) -> Result<Bytes, RawError> {
    let context = WriteContext::from(Vec::new());
    let (mut bytes, _) = gen_frame(frame)(context)
        .map_err(|error| RawError::new(format!("writing a frame: {error}")))?
        .into_inner();
    bytes.pop();
    Ok(Bytes::from(bytes).slice(FRAME_HEAD..))
}
