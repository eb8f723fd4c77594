//! The pipe between lapin and the link: lapin's end looks like a socket.
//!
//! What lapin writes is cut into frames at once, on lapin's thread; what it is to read waits here. Its end going away
//! ends the link, and the link's end shows as the end of the stream, for without that lapin waits for ever.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use futures_util::Stream;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio_util::compat::Compat;

use super::lapin_frames::LapinFrames;
use super::shared::Shared;

/// Answers to control calls are small and few. A broker that floods is cut off.
const WAITING_LIMIT: usize = 4 * 1024 * 1024;

/// What lapin has not read yet.
#[derive(Debug, Default)]
pub(super) struct ToLapin {
    waiting: Mutex<Waiting>,
    left: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: BytesMut,
    ended: bool,
    reader: Option<Waker>,
}

impl ToLapin {
    /// Appends frames for lapin. `false` when it has stopped reading.
    pub(super) fn push(&self, write: impl FnOnce(&mut BytesMut)) -> bool {
        let mut waiting = self.waiting.lock();
        if waiting.bytes.len() > WAITING_LIMIT {
            return false;
        }
        write(&mut waiting.bytes);
        let reader = waiting.reader.take();
        drop(waiting);
        if let Some(reader) = reader {
            reader.wake();
        }
        true
    }

    /// Ends the stream behind what waits.
    pub(super) fn end(&self) {
        let mut waiting = self.waiting.lock();
        waiting.ended = true;
        let reader = waiting.reader.take();
        drop(waiting);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Waits until lapin has dropped its end.
    pub(super) async fn left(&self) {
        self.left.notified().await;
    }
}

/// lapin's end.
pub(super) struct LapinEnd {
    shared: Arc<Shared>,
    frames: LapinFrames,
}

impl LapinEnd {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let frames = LapinFrames::default();
        Self { shared, frames }
    }
}

impl AsyncRead for LapinEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut waiting = self.shared.to_lapin.waiting.lock();
        if waiting.bytes.is_empty() && !waiting.ended {
            waiting.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let size = waiting.bytes.len().min(buf.remaining());
        buf.put_slice(waiting.bytes.get(..size).unwrap_or_default());
        waiting.bytes.advance(size);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LapinEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        Poll::Ready(match this.frames.written(buf, &this.shared) {
            Ok(()) => Ok(buf.len()),
            Err(error) => Err(io::Error::new(io::ErrorKind::BrokenPipe, error)),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for LapinEnd {
    fn drop(&mut self) {
        self.shared.to_lapin.left.notify_one();
        self.shared.lost("the control plane has ended");
    }
}

/// The reactor that lapin's runtime is made of: its streams are our pipe. It opens no socket of its own.
#[derive(Debug, Clone)]
pub(super) struct PipeReactor;

#[cfg(unix)]
macro_rules! register {
    () => {
        fn register<H: io::Read + io::Write + std::os::fd::AsFd + std::os::fd::AsRawFd + Send + 'static>(
            &self,
            _: H,
        ) -> io::Result<impl futures_util::io::AsyncRead + futures_util::io::AsyncWrite + Send + Unpin + 'static> {
            Err::<Compat<LapinEnd>, _>(no_socket())
        }
    };
}

#[cfg(windows)]
macro_rules! register {
    () => {
        fn register<
            H: io::Read + io::Write + std::os::windows::io::AsSocket + std::os::windows::io::AsRawSocket + Send + 'static,
        >(
            &self,
            _: H,
        ) -> io::Result<impl futures_util::io::AsyncRead + futures_util::io::AsyncWrite + Send + Unpin + 'static> {
            Err::<Compat<LapinEnd>, _>(no_socket())
        }
    };
}

impl async_rs::traits::Reactor for PipeReactor {
    type TcpStream = Compat<LapinEnd>;
    type Sleep = tokio::time::Sleep;

    register!();

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        tokio::time::sleep(duration)
    }

    fn interval(&self, period: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        // The first tick comes at once, as the trait asks.
        futures_util::stream::unfold(
            None,
            move |ticker: Option<tokio::time::Interval>| async move {
                let mut ticker = ticker.unwrap_or_else(|| tokio::time::interval(period));
                Some((ticker.tick().await.into_std(), Some(ticker)))
            },
        )
    }

    fn tcp_connect_addr(
        &self,
        _: std::net::SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        std::future::ready(Err(no_socket()))
    }
}

fn no_socket() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "the link owns the socket")
}
