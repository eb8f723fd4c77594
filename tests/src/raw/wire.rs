use std::fmt;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::frame::{FRAME_END, FRAME_HEAD};
use super::{Frame, FrameKind, RawError};

/// How long a test waits for any one thing of a broker before it fails.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// No broker of the tests agrees on a larger frame: a longer claim is garbage.
const LONGEST_FRAME: usize = 16 * 1024 * 1024;

/// Anything that bytes go through: a TCP stream, a TLS stream, an in-memory pipe.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

/// Frames, and whatever else a test wants to write, over a socket.
pub struct Wire {
    socket: Box<dyn Socket>,
    read: BytesMut,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("unread", &self.read.len())
            .finish_non_exhaustive()
    }
}

impl Wire {
    /// Over a socket that is connected already.
    #[must_use]
    pub fn new(socket: impl Socket + 'static) -> Self {
        Self {
            socket: Box::new(socket),
            read: BytesMut::new(),
        }
    }

    /// Writes any bytes, as they are.
    ///
    /// # Errors
    /// The peer is gone, or takes nothing within [`DEADLINE`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), RawError> {
        let late = |_| RawError::new(format!("the peer took nothing in {DEADLINE:?}"));
        timeout(DEADLINE, self.socket.write_all(bytes))
            .await
            .map_err(late)??;
        timeout(DEADLINE, self.socket.flush())
            .await
            .map_err(late)??;
        Ok(())
    }

    /// Writes frames, all in one go.
    ///
    /// # Errors
    /// As [`Wire::write`].
    pub async fn send(&mut self, frames: &[Frame]) -> Result<(), RawError> {
        let bytes: Vec<Bytes> = frames.iter().map(Frame::bytes).collect();
        self.write(&bytes.concat()).await
    }

    /// The next frame; `None` when the peer has ended the stream.
    ///
    /// # Errors
    /// Nothing came within [`DEADLINE`], or it was no frame.
    pub async fn receive(&mut self) -> Result<Option<Frame>, RawError> {
        self.receive_within(DEADLINE).await
    }

    /// As [`Wire::receive`], with a deadline of the test's own.
    ///
    /// # Errors
    /// As [`Wire::receive`].
    pub async fn receive_within(&mut self, limit: Duration) -> Result<Option<Frame>, RawError> {
        timeout(limit, self.read_frame())
            .await
            .map_err(|_| RawError::new(format!("the broker said nothing for {limit:?}")))?
    }

    /// Reads as many bytes, whatever they mean.
    ///
    /// # Errors
    /// The stream ended before, or they did not come within [`DEADLINE`].
    pub async fn receive_bytes(&mut self, count: usize) -> Result<Bytes, RawError> {
        let read = async {
            while self.read.len() < count {
                if !self.fill().await? {
                    return Err(RawError::new("the stream ended too early"));
                }
            }
            Ok(self.read.split_to(count).freeze())
        };
        timeout(DEADLINE, read)
            .await
            .map_err(|_| RawError::new("the broker said nothing"))?
    }

    async fn read_frame(&mut self) -> Result<Option<Frame>, RawError> {
        loop {
            if let Some(frame) = self.parse()? {
                return Ok(Some(frame));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// More bytes; false at the end. A reset is an end, too: some brokers drop a peer that way.
    async fn fill(&mut self) -> Result<bool, RawError> {
        use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
        match self.socket.read_buf(&mut self.read).await {
            Ok(count) => Ok(count > 0),
            Err(error) if matches!(error.kind(), ConnectionReset | BrokenPipe | UnexpectedEof) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn parse(&mut self) -> Result<Option<Frame>, RawError> {
        let [octet, c0, c1, l0, l1, l2, l3, ..] = self.read[..] else {
            return Ok(None);
        };
        let kind = FrameKind::from_octet(octet)
            .ok_or_else(|| RawError::new(format!("no frame begins with the octet {octet}")))?;
        let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        if length > LONGEST_FRAME {
            return Err(RawError::new(format!("a frame that claims {length} bytes")));
        }
        if self.read.len() < FRAME_HEAD + length + 1 {
            return Ok(None);
        }
        self.read.advance(FRAME_HEAD);
        let payload = self.read.split_to(length).freeze();
        let end = self.read.get_u8();
        if end != FRAME_END {
            return Err(RawError::new(format!("a frame that ends in {end:#x}")));
        }
        Ok(Some(Frame {
            kind,
            channel: u16::from_be_bytes([c0, c1]),
            payload,
        }))
    }
}
