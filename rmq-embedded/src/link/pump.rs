//! The task of one connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, Sleep, sleep_until};

use super::outbox::{End, Outbox};
use crate::model::ids::ConnectionId;
use crate::model::state::State;
use crate::wire::encode;
use crate::wire::frame::next_frame;

/// How much is read at once at most.
const READ_SIZE: usize = 256 * 1024;
/// A buffer that grew above this for one large message is given back.
const LARGE: usize = 8 * 1024 * 1024;
/// How often a connection without heartbeats is looked at.
const IDLE_TICK: Duration = Duration::from_secs(5);
/// How long a client has to take the last bytes and to close its side.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Carries bytes between one client and the broker until either ends.
pub(crate) async fn run<R, W>(
    state: Arc<Mutex<State>>,
    reader: &mut R,
    writer: &mut W,
    outbox: Arc<Outbox>,
    id: ConnectionId,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let handshake = state.lock().settings.handshake_timeout;
    let mut pump = Pump {
        state: state.clone(),
        outbox,
        id,
        input: BytesMut::new(),
        output: Vec::new(),
        sent: 0,
        past_header: false,
        held_back: false,
        heard: true,
        said: true,
        silent_ticks: 0,
        heartbeat: 0,
        deadline: Instant::now() + handshake,
    };
    let ended = pump.carry(reader, writer).await;
    tracing::debug!(connection = id, ?ended, "connection ended");
    state.lock().disconnected(id);
}

/// Why a connection ended.
#[derive(Debug)]
enum Ended {
    ByClient,
    ByBroker,
    Silent,
    Failed(#[allow(dead_code, reason = "told by Debug")] std::io::Error),
}

struct Pump {
    state: Arc<Mutex<State>>,
    outbox: Arc<Outbox>,
    id: ConnectionId,
    input: BytesMut,
    output: Vec<u8>,
    /// How much of `output` the socket took.
    sent: usize,
    past_header: bool,
    /// Whole frames may lie in `input`, left there because reading was stopped.
    held_back: bool,
    /// Something was read, or written, since the last tick.
    heard: bool,
    said: bool,
    silent_ticks: u32,
    heartbeat: usize,
    /// The handshake's end, and later the next heartbeat tick.
    deadline: Instant,
}

impl Pump {
    async fn carry<R, W>(&mut self, reader: &mut R, writer: &mut W) -> Ended
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let outbox = self.outbox.clone();
        let sleep = sleep_until(self.deadline);
        tokio::pin!(sleep);
        loop {
            match self.fetch_output() {
                End::Open => {}
                End::AfterFlush if self.sent < self.output.len() => {}
                End::AfterFlush => return say_goodbye(reader, writer).await,
                End::Reset => return Ended::ByBroker,
            }
            let reading = !outbox.reading_stopped() && !outbox.is_full();
            if reading && self.held_back {
                self.take_input();
                continue;
            }
            self.set_timer(sleep.as_mut());
            if self.input.capacity() - self.input.len() < READ_SIZE / 4 {
                self.input.reserve(READ_SIZE);
            }
            let waiting = self.output.get(self.sent..).unwrap_or_default();
            tokio::select! {
                read = reader.read_buf(&mut self.input), if reading => match read {
                    Ok(0) => return Ended::ByClient,
                    Ok(_) => self.take_input(),
                    Err(error) => return Ended::Failed(error),
                },
                written = writer.write(waiting), if !waiting.is_empty() => match written {
                    Ok(0) => return Ended::ByClient,
                    Ok(count) => self.note_written(count),
                    Err(error) => return Ended::Failed(error),
                },
                () = outbox.changed() => {}
                () = sleep.as_mut() => if self.tick() { return Ended::Silent },
            }
        }
    }

    /// Takes what the broker wants written, once what was taken before is out. Says how the link is to end.
    fn fetch_output(&mut self) -> End {
        if self.sent < self.output.len() {
            return self.outbox.ending();
        }
        self.output.clear();
        self.sent = 0;
        if self.output.capacity() > LARGE {
            self.output = Vec::new();
        }
        self.outbox.take(&mut self.output)
    }

    fn note_written(&mut self, count: usize) {
        self.said = true;
        self.sent += count;
        if self.outbox.written(count) {
            self.state.lock().resume(self.id);
        }
    }

    /// Hands whole frames to the broker, all of one read under one lock.
    fn take_input(&mut self) {
        self.heard = true;
        if self.outbox.is_muted() {
            self.input.clear();
            return;
        }
        if !self.past_header && !self.take_header() {
            return;
        }
        let mut state = self.state.lock();
        state.refresh_clock();
        let mut used = 0;
        while let Some(frame_max) = state.frame_max(self.id) {
            if self.outbox.is_muted() {
                used = self.input.len();
                break;
            }
            if self.outbox.is_ended() || self.outbox.reading_stopped() {
                break;
            }
            match next_frame(self.input.get(used..).unwrap_or_default(), frame_max) {
                Ok(Some((frame, length))) => {
                    state.receive(self.id, frame);
                    used += length;
                }
                Ok(None) => break,
                Err(fault) => {
                    state.frame_fault(self.id, fault);
                    break;
                }
            }
        }
        self.held_back = self.outbox.reading_stopped();
        state.end_batch(self.id);
        drop(state);
        self.input.advance(used);
    }

    fn take_header(&mut self) -> bool {
        let Some(header) = self.input.first_chunk::<8>().copied() else {
            return false;
        };
        self.input.advance(8);
        self.past_header = true;
        self.state.lock().protocol_header(self.id, header);
        true
    }

    fn set_timer(&mut self, sleep: std::pin::Pin<&mut Sleep>) {
        let heartbeat = self.outbox.heartbeat();
        if heartbeat != self.heartbeat {
            self.heartbeat = heartbeat;
            self.deadline = Instant::now() + self.period();
        }
        if sleep.deadline() != self.deadline {
            sleep.reset(self.deadline);
        }
    }

    /// Half a heartbeat.
    fn period(&self) -> Duration {
        if self.heartbeat == 0 {
            IDLE_TICK
        } else {
            Duration::from_millis(self.heartbeat as u64 * 500)
        }
    }

    /// A period went by; true where the client is gone.
    fn tick(&mut self) -> bool {
        if self.outbox.is_muted() {
            // Silence lasts until the client has enough of it.
            self.deadline = Instant::now() + IDLE_TICK;
            return false;
        }
        if !self.state.lock().is_running(self.id) {
            return true;
        }
        self.deadline = Instant::now() + self.period();
        if self.heartbeat == 0 {
            return false;
        }
        self.silent_ticks = if self.heard { 0 } else { self.silent_ticks + 1 };
        if !self.said {
            self.outbox.write(encode::heartbeat);
        }
        self.heard = false;
        self.said = false;
        // Four halves without a byte; while the broker itself does not read, silence says nothing.
        self.silent_ticks >= 4 && !self.outbox.reading_stopped()
    }
}

/// Everything is written: close this side, and give the client time to close its own.
async fn say_goodbye<R, W>(reader: &mut R, writer: &mut W) -> Ended
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let last = async {
        writer.shutdown().await?;
        let mut rest = [0; 4096];
        while reader.read(&mut rest).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    match tokio::time::timeout(LAST_WORDS, last).await {
        Ok(Err(error)) => Ended::Failed(error),
        _ => Ended::ByBroker,
    }
}
