//! The bytes that wait to be written to one client, and how its link is to end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Above this many waiting bytes a client gets no more deliveries, and nothing more is read from it.
pub(crate) const HIGH_WATER: usize = 2 * 1024 * 1024;
/// Below this many, both go on.
pub(crate) const LOW_WATER: usize = 512 * 1024;

/// How a link ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// It does not.
    #[default]
    Open,
    /// What waits is written, then the socket is shut down.
    AfterFlush,
    /// At once, with a TCP reset where there is a TCP.
    Reset,
}

#[derive(Debug, Default)]
struct Pending {
    bytes: Vec<u8>,
    end: End,
    hushed: bool,
}

/// Shared by the broker, which fills it, and the link's task, which empties it.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pending: Mutex<Pending>,
    waiting: AtomicUsize,
    /// The broker does not read from this client for now.
    reading_stopped: AtomicBool,
    /// Bytes are taken and thrown away: the client sees silence.
    muted: AtomicBool,
    /// Seconds between heartbeats; 0 for none.
    heartbeat: AtomicUsize,
    changed: Notify,
}

impl Outbox {
    /// Appends what `fill` writes and wakes the task.
    pub(crate) fn write<T>(&self, fill: impl FnOnce(&mut Vec<u8>) -> T) -> Option<T> {
        let mut pending = self.pending.lock();
        if pending.hushed || pending.end != End::Open || self.muted.load(Ordering::Relaxed) {
            return None;
        }
        let was_empty = pending.bytes.is_empty();
        let before = pending.bytes.len();
        let result = fill(&mut pending.bytes);
        self.waiting
            .fetch_add(pending.bytes.len() - before, Ordering::Relaxed);
        drop(pending);
        if was_empty {
            self.changed.notify_one();
        }
        Some(result)
    }

    /// Moves what waits into `out` (which is empty) and gives it room in exchange. Says how the link ends.
    pub(crate) fn take(&self, out: &mut Vec<u8>) -> End {
        let mut pending = self.pending.lock();
        std::mem::swap(&mut pending.bytes, out);
        pending.end
    }

    /// How the link is to end while the task still holds bytes: only an end at once counts before they are out.
    pub(crate) fn ending(&self) -> End {
        self.pending.lock().end
    }

    /// Notes that `count` bytes reached the socket; true where that brought it below the low-water mark.
    pub(crate) fn written(&self, count: usize) -> bool {
        let before = self.waiting.fetch_sub(count, Ordering::Relaxed);
        before >= LOW_WATER && before - count < LOW_WATER
    }

    /// Whether the client reads too slowly to be sent more.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= HIGH_WATER
    }

    /// Ends the link; an end once set is only ever made harsher.
    pub(crate) fn end(&self, end: End) {
        let mut pending = self.pending.lock();
        let rank = |end: End| match end {
            End::Open => 0,
            End::AfterFlush => 1,
            End::Reset => 2,
        };
        if rank(end) > rank(pending.end) {
            pending.end = end;
        }
        drop(pending);
        self.changed.notify_one();
    }

    /// Keeps the first `keep` of the bytes that wait and ends the link behind them.
    pub(crate) fn end_after(&self, keep: usize) {
        let mut pending = self.pending.lock();
        let dropped = pending.bytes.len().saturating_sub(keep);
        pending.bytes.truncate(keep);
        self.waiting.fetch_sub(dropped, Ordering::Relaxed);
        pending.end = End::AfterFlush;
        drop(pending);
        self.changed.notify_one();
    }

    /// How many bytes wait in the part the task has not yet taken.
    pub(crate) fn pending_length(&self) -> usize {
        self.pending.lock().bytes.len()
    }

    /// Whether an end was set.
    pub(crate) fn is_ended(&self) -> bool {
        self.pending.lock().end != End::Open
    }

    pub(crate) fn stop_reading(&self, stop: bool) {
        self.reading_stopped.store(stop, Ordering::Relaxed);
        self.changed.notify_one();
    }

    pub(crate) fn reading_stopped(&self) -> bool {
        self.reading_stopped.load(Ordering::Relaxed)
    }

    /// From now on the client hears nothing and what it says is not read.
    pub(crate) fn mute(&self) {
        self.muted.store(true, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// Throws away what the broker writes, for the length of one method.
    pub(crate) fn hush(&self, hush: bool) {
        self.pending.lock().hushed = hush;
    }

    pub(crate) fn is_muted(&self) -> bool {
        self.muted.load(Ordering::Relaxed)
    }

    pub(crate) fn set_heartbeat(&self, seconds: u16) {
        self.heartbeat
            .store(usize::from(seconds), Ordering::Relaxed);
        self.changed.notify_one();
    }

    pub(crate) fn heartbeat(&self) -> usize {
        self.heartbeat.load(Ordering::Relaxed)
    }

    /// Waits until something was written, ended or switched.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}
