//! The raw client, made fast: the tests' own client opens the connection, then frames are read and written by blocking
//! calls, many at once, so that the broker is what is measured.

use std::io::{Read, Write};
use std::net::TcpStream;

use rmq_tests::raw::{Channel, Frame, Handshake, RawError, Wire};

use crate::Failure;

const INPUT: usize = 1024 * 1024;
const METHOD: u8 = 1;
const BODY: u8 = 3;

/// A connection with channel 1 open, out of the hands of the async client.
pub struct Client {
    stream: TcpStream,
}

impl Client {
    /// Connects, and lets `prepare` declare and set what the load needs. What it asks for has to be answered when it is
    /// done: nobody else waits for it.
    pub fn open(
        address: &str,
        prepare: impl AsyncFnOnce(&Channel) -> Result<(), RawError>,
    ) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let shared = stream.try_clone()?;
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(async {
                let wire = Wire::new(tokio::net::TcpStream::from_std(shared)?);
                let connection = Handshake::default().open(wire).await?;
                prepare(&connection.channel(1).await?).await
            })?;
        stream.set_nonblocking(false)?;
        Ok(Self { stream })
    }

    /// The reading end and the writing end.
    pub fn split(self) -> Result<(Incoming, TcpStream), Failure> {
        let incoming = Incoming {
            stream: self.stream.try_clone()?,
            buffer: vec![0; INPUT].into_boxed_slice(),
            start: 0,
            end: 0,
        };
        Ok((incoming, self.stream))
    }
}

/// What the load looks at; everything else is passed over.
pub enum Seen {
    /// `basic.ack` to a publisher.
    Ack { tag: u64, multiple: bool },
    /// `basic.deliver`.
    Deliver { tag: u64 },
    /// The body of a message, all of it.
    Body,
}

/// Frames as they come.
pub struct Incoming {
    stream: TcpStream,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Incoming {
    /// Waits for bytes; the frames in them come by [`Self::next`].
    pub fn read(&mut self) -> Result<(), Failure> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        match self.stream.read(room)? {
            0 => Err("the broker closed the link".into()),
            count => {
                self.end += count;
                Ok(())
            }
        }
    }

    /// The next frame that counts; `None` where more has to be read first.
    pub fn next(&mut self) -> Result<Option<Seen>, Failure> {
        loop {
            let waiting = self.buffer.get(self.start..self.end).unwrap_or_default();
            let Some(([kind, _, _, size @ ..], rest)) = waiting.split_first_chunk::<7>() else {
                return Ok(None);
            };
            let size = u32::from_be_bytes(*size) as usize;
            if rest.len() <= size {
                return Ok(None);
            }
            let payload = rest.get(..size).unwrap_or_default();
            let seen = match *kind {
                METHOD => look(payload)?,
                BODY => Some(Seen::Body),
                _ => None,
            };
            self.start += size + 8;
            if seen.is_some() {
                return Ok(seen);
            }
        }
    }
}

fn look(payload: &[u8]) -> Result<Option<Seen>, Failure> {
    let tag_at = |at: usize| {
        let bytes = payload.get(at..).and_then(|bytes| bytes.first_chunk());
        bytes.copied().map(u64::from_be_bytes).ok_or("too short")
    };
    match payload {
        [0, 60, 0, 80, ..] => Ok(Some(Seen::Ack {
            tag: tag_at(4)?,
            multiple: payload.last().is_some_and(|bits| bits & 1 == 1),
        })),
        [0, 60, 0, 60, consumer, ..] => Ok(Some(Seen::Deliver {
            tag: tag_at(5 + usize::from(*consumer))?,
        })),
        // consume-ok
        [0, 60, 0, 21, ..] => Ok(None),
        other => Err(format!("the broker said {:?}", String::from_utf8_lossy(other)).into()),
    }
}

/// Writes frames in one go.
pub fn send(stream: &mut TcpStream, frames: &[Frame]) -> Result<(), Failure> {
    let bytes: Vec<_> = frames.iter().map(Frame::bytes).collect();
    Ok(stream.write_all(&bytes.concat())?)
}
