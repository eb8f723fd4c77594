//! Reads the socket and sorts what comes: messages, confirms and returns to the data plane, the rest to lapin.
//!
//! It never waits for anybody but the socket. Verdicts and deliveries are handed over once a read, in batches.

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::content::Carrier;
use super::frame::{self, Cut, Fields, Prefix};
use super::inbound::Inbound;
use super::incoming;
use super::lease::Lease;
use super::oversized::{BESIDE_TABLE, Oversized};
use super::shared::Shared;
use super::silence::Silence;
use super::{CloseCause, LinkState};

/// One read takes up to this much.
const READ_BLOCK: usize = 64 * 1024;
/// Before a frame size is agreed on.
const FIRST_FRAMES: usize = 128 * 1024;

/// Why reading ends.
#[derive(Debug)]
pub(super) enum Stop {
    Cause(CloseCause),
    /// The conversation makes no sense.
    Protocol(String),
}

impl From<Cut> for Stop {
    fn from(_: Cut) -> Self {
        Self::Protocol("a method that is cut off".into())
    }
}

pub(super) fn protocol(text: impl Into<String>) -> Stop {
    Stop::Protocol(text.into())
}

/// Reads until the link ends.
pub(super) async fn read(shared: Arc<Shared>, mut socket: impl AsyncRead + Unpin) -> CloseCause {
    let mut buffer = BytesMut::with_capacity(READ_BLOCK);
    let mut reader = Reader {
        shared: Arc::clone(&shared),
        touched: Vec::new(),
        last: None,
        oversized: None,
    };
    let mut silence = Silence::default();
    loop {
        buffer.reserve(READ_BLOCK / 2);
        let read = tokio::select! {
            biased;
            read = socket.read_buf(&mut buffer) => read,
            () = silence.tick(&shared) => {
                if silence.is_too_long() {
                    return shared.lost_cause("nothing was heard from the broker for two heartbeat intervals");
                }
                continue;
            }
        };
        silence.broken();
        match read {
            Ok(0) => return shared.lost_cause("the broker ended the TCP connection"),
            Ok(_) => {}
            Err(error) => return shared.lost_cause(&error.to_string()),
        }
        let done = reader.frames(&mut buffer);
        reader.tell();
        match done {
            Ok(()) => {}
            Err(Stop::Cause(cause)) => return cause,
            Err(Stop::Protocol(text)) => {
                shared.protocol_error(&text);
                return shared.lost_cause(&text);
            }
        }
    }
}

struct Reader {
    shared: Arc<Shared>,
    /// Channels with verdicts or deliveries of this read.
    touched: Vec<Arc<Lease>>,
    /// The channel of the last frame: nearly always that of the next, too. Only this task releases leases.
    last: Option<Arc<Lease>>,
    /// A content header whose table is being skipped.
    oversized: Option<Oversized>,
}

impl Reader {
    /// Takes all whole frames out of the buffer.
    fn frames(&mut self, buffer: &mut BytesMut) -> Result<(), Stop> {
        let mut at = 0;
        if !self.skip(buffer)? {
            return Ok(());
        }
        while let Some(prefix) = buffer.get(at..).and_then(Prefix::read) {
            let negotiated = self.shared.negotiated().is_some();
            let limit = if negotiated {
                self.shared.outbox.frame_max()
            } else {
                FIRST_FRAMES
            };
            if prefix.kind == b'A' && !negotiated {
                return Err(protocol("the peer does not speak AMQP 0-9-1"));
            }
            if !matches!(
                prefix.kind,
                frame::METHOD | frame::HEADER | frame::BODY | frame::HEARTBEAT
            ) {
                return Err(protocol(format!("a frame of unknown type {}", prefix.kind)));
            }
            if prefix.kind == frame::HEADER && negotiated && prefix.channel > 0 {
                let taken = self.shared.limits.headers.bytes;
                if prefix.size > limit.max(taken.saturating_add(BESIDE_TABLE)) {
                    buffer.advance(at);
                    at = 0;
                    self.oversized = Oversized::begin(prefix, buffer)?;
                    if self.oversized.is_none() || !self.skip(buffer)? {
                        return Ok(());
                    }
                    continue;
                }
            // Checked before anything is kept: a length may be anything.
            } else if prefix.size.saturating_add(frame::OVERHEAD) > limit {
                return Err(protocol(format!(
                    "a frame of {} bytes, over the limit of {limit}",
                    prefix.size
                )));
            }
            let end = at + frame::PREFIX + prefix.size;
            let Some(&octet) = buffer.get(end) else {
                buffer.advance(at);
                buffer.reserve(prefix.size + frame::OVERHEAD - buffer.len());
                return Ok(());
            };
            if octet != frame::END {
                return Err(protocol("a frame without its end octet"));
            }
            if prefix.kind == frame::BODY && prefix.size >= super::content::SMALL {
                let lease = self.lease(prefix.channel)?;
                if lease.inbound.lock().assembly.wants_slice(prefix.size) {
                    buffer.advance(at + frame::PREFIX);
                    let body = buffer.split_to(prefix.size).freeze();
                    buffer.advance(1);
                    at = 0;
                    self.slice(&lease, body)?;
                    continue;
                }
            }
            let whole = buffer.get(at..=end).unwrap_or_default();
            self.frame(prefix, whole)?;
            at = end + 1;
        }
        buffer.advance(at);
        Ok(())
    }

    /// Goes on with a header that is skipped. True when there is none, or none any more.
    fn skip(&mut self, buffer: &mut BytesMut) -> Result<bool, Stop> {
        let Some(mut skipped) = self.oversized.take() else {
            return Ok(true);
        };
        if !skipped.take(buffer)? {
            self.oversized = Some(skipped);
            return Ok(false);
        }
        let lease = self.lease(skipped.channel)?;
        let mut inbound = lease.inbound.lock();
        let (payload, table) = (&skipped.payload, Some(skipped.table));
        let done = inbound.assembly.header(payload, table, &self.shared.limits);
        self.content(&lease, &mut inbound, done)?;
        Ok(true)
    }

    fn frame(&mut self, prefix: Prefix, whole: &[u8]) -> Result<(), Stop> {
        let payload = whole
            .get(frame::PREFIX..whole.len() - 1)
            .unwrap_or_default();
        match prefix.kind {
            frame::HEARTBEAT if prefix.channel == 0 && prefix.size == 0 => Ok(()),
            frame::METHOD if prefix.channel == 0 => {
                incoming::connection_method(&self.shared, payload, whole)
            }
            frame::METHOD => self.method(prefix.channel, payload, whole),
            frame::HEADER if prefix.channel > 0 => {
                let lease = self.lease(prefix.channel)?;
                let mut inbound = lease.inbound.lock();
                let done = inbound.assembly.header(payload, None, &self.shared.limits);
                self.content(&lease, &mut inbound, done)
            }
            frame::BODY if prefix.channel > 0 => {
                let lease = self.lease(prefix.channel)?;
                let mut inbound = lease.inbound.lock();
                let done = inbound.assembly.body(payload);
                self.content(&lease, &mut inbound, done)
            }
            _ => Err(protocol(format!(
                "a frame of type {} on channel {}",
                prefix.kind, prefix.channel
            ))),
        }
    }

    fn slice(&mut self, lease: &Arc<Lease>, body: bytes::Bytes) -> Result<(), Stop> {
        let mut inbound = lease.inbound.lock();
        let done = inbound.assembly.slice(body);
        self.content(lease, &mut inbound, done)
    }

    fn content(
        &mut self,
        lease: &Arc<Lease>,
        inbound: &mut Inbound,
        done: Result<Option<super::content::Complete>, super::content::ContentError>,
    ) -> Result<(), Stop> {
        let done = done.map_err(|error| protocol(format!("channel {}: {error}", lease.number)))?;
        let Some(complete) = done else { return Ok(()) };
        self.touch(lease, inbound);
        incoming::content(lease, inbound, complete)
    }

    fn touch(&mut self, lease: &Arc<Lease>, inbound: &mut Inbound) {
        if !std::mem::replace(&mut inbound.touched, true) {
            self.touched.push(Arc::clone(lease));
        }
    }

    /// The lease of a channel that is open on the wire.
    fn lease(&mut self, channel: u16) -> Result<Arc<Lease>, Stop> {
        if let Some(last) = self.last.as_ref().filter(|last| last.number == channel) {
            return Ok(Arc::clone(last));
        }
        let lease = self.shared.leases.get(channel);
        let lease = lease
            .ok_or_else(|| protocol(format!("a frame on channel {channel}, which is not open")))?;
        self.last = Some(Arc::clone(&lease));
        Ok(lease)
    }

    fn method(&mut self, channel: u16, payload: &[u8], whole: &[u8]) -> Result<(), Stop> {
        let mut fields = Fields(payload);
        let id = fields.u32()?;
        let lease = self.lease(channel)?;
        let mut inbound = lease.inbound.lock();
        if inbound.assembly.is_busy() && id != frame::CHANNEL_CLOSE {
            return Err(protocol(format!(
                "channel {channel}: {}",
                super::content::ContentError::Interrupted
            )));
        }
        match id {
            frame::BASIC_DELIVER => incoming::deliver(&mut inbound, fields),
            frame::BASIC_ACK | frame::BASIC_NACK => {
                self.touch(&lease, &mut inbound);
                incoming::confirm(&lease, &mut inbound, id, fields)
            }
            frame::BASIC_RETURN => {
                let code = fields.u16()?;
                let (text, exchange, routing_key) =
                    (fields.short()?, fields.short()?, fields.short()?);
                incoming::begin(
                    &mut inbound,
                    Carrier::Return { code },
                    exchange,
                    routing_key,
                    text,
                )
            }
            frame::BASIC_GET_OK => {
                let (tag, redelivered) = (fields.u64()?, fields.u8()? & 1 != 0);
                let (exchange, routing_key) = (fields.short()?, fields.short()?);
                let remaining = fields.u32()?;
                let carrier = Carrier::Got {
                    tag,
                    redelivered,
                    remaining,
                };
                incoming::begin(&mut inbound, carrier, exchange, routing_key, &[])
            }
            frame::BASIC_GET_EMPTY => {
                drop(inbound);
                lease.answered();
                lease.got(None);
                Ok(())
            }
            frame::BASIC_CANCEL | frame::BASIC_CANCEL_OK => {
                // What came before it is told before it.
                inbound.tell();
                let sink = inbound.consumers.cancel(fields.short()?);
                drop(inbound);
                if id == frame::BASIC_CANCEL {
                    if let Some(sink) = sink {
                        sink.cancelled();
                    }
                } else {
                    lease.answered();
                }
                self.to_lapin(whole)
            }
            frame::CHANNEL_CLOSE => {
                drop(inbound);
                let cause = incoming::close_cause(fields, false)?;
                self.channel_close(&lease, &cause);
                Ok(())
            }
            frame::CHANNEL_CLOSE_OK => {
                drop(inbound);
                self.release(channel);
                lease.end(&CloseCause {
                    link: false,
                    code: 0,
                    text: "closed".into(),
                    class: 0,
                    method: 0,
                    by_us: true,
                });
                self.to_lapin(whole)
            }
            frame::CHANNEL_FLOW => self.to_lapin(whole),
            _ => {
                lease.answered();
                self.to_lapin(whole)
            }
        }
    }

    /// The broker closes a channel. lapin is not shown it: both closing at once ends its connection.
    fn channel_close(&mut self, lease: &Arc<Lease>, cause: &CloseCause) {
        let (before, close_dropped) = lease.close_received();
        // A close of ours that is on the wire still has its own close-ok to come.
        if before == super::lease::Phase::Open || close_dropped {
            self.release(lease.number);
        }
        if close_dropped {
            self.shared.close_ok_to_lapin(lease.number);
        }
        lease.end(cause);
        lease.close_control();
    }

    fn release(&mut self, channel: u16) {
        self.shared.leases.release(channel);
        self.last = None;
    }

    fn to_lapin(&self, whole: &[u8]) -> Result<(), Stop> {
        incoming::to_lapin(&self.shared, whole)
    }

    /// Hands over what this read brought.
    fn tell(&mut self) {
        for lease in self.touched.drain(..) {
            lease.inbound.lock().tell();
        }
    }
}

/// The broker takes publishes again, or does not.
pub(super) fn blocked(shared: &Shared, reason: Option<&[u8]>) {
    let state = reason.map_or(LinkState::Open, |reason| {
        LinkState::Blocked(frame::text(reason))
    });
    shared.state.send_if_modified(|current| {
        let open = !matches!(current, LinkState::Closed(_));
        if open {
            *current = state;
        }
        open
    });
}
