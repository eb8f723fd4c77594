//! What waits for the socket.
//!
//! Frames are appended to one growing buffer, and the writer takes all of it at once. A large body does not go in
//! there: it waits in a lane of its channel, and the writer takes one chunk of one lane a turn, so that
//! acknowledgements, heartbeats and other channels are held up by a chunk and no more. What is appended
//! to a channel with a lane queues up behind the body, because the frames of one message are contiguous on their channel.
//!
//! Its size is bounded by those who append: publishes by the window, settlements by the prefetch, control by the calls.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf, Bytes, BytesMut};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::frame;
use super::lease::Lease;

/// A body above this takes a lane. About this much of it goes a turn.
pub(super) const CHUNK: usize = 64 * 1024;
/// A buffer that a burst has grown beyond this is given back.
const KEPT_CAPACITY: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    wake: Notify,
    frame_max: AtomicUsize,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Whole frames, in order.
    hot: BytesMut,
    lanes: VecDeque<Lane>,
    /// Channels with finished deliveries whose acks have not been gathered.
    to_gather: Vec<Arc<Lease>>,
    writer_sleeps: bool,
}

#[derive(Debug)]
struct Lane {
    channel: u16,
    parts: VecDeque<Part>,
    /// Whether our `channel.close` waits in it.
    holds_close: bool,
}

#[derive(Debug)]
enum Part {
    Frames(BytesMut),
    Body(Bytes),
}

impl Outbox {
    pub(super) fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            wake: Notify::new(),
            frame_max: AtomicUsize::new(frame::SMALLEST_FRAME_MAX as usize),
        }
    }

    /// The largest frame that the broker takes.
    pub(super) fn frame_max(&self) -> usize {
        self.frame_max.load(Ordering::Relaxed)
    }

    pub(super) fn set_frame_max(&self, frame_max: usize) {
        self.frame_max.store(frame_max, Ordering::Relaxed);
    }

    /// Locks it for appending. The writer is woken when the guard goes, if it sleeps.
    pub(super) fn append(&self) -> Appending<'_> {
        Appending {
            waiting: Some(self.waiting.lock()),
            wake: &self.wake,
        }
    }

    /// Drops what waits in a channel's lane: the broker has closed it. Says whether our own close was among it.
    pub(super) fn drop_lane(&self, channel: u16) -> bool {
        let mut waiting = self.waiting.lock();
        let lane = waiting
            .lanes
            .iter()
            .position(|lane| lane.channel == channel);
        lane.and_then(|at| waiting.lanes.remove(at))
            .is_some_and(|lane| lane.holds_close)
    }

    /// The channels whose acks the writer gathers before it takes.
    pub(super) fn take_to_gather(&self, channels: &mut Vec<Arc<Lease>>) {
        channels.append(&mut self.waiting.lock().to_gather);
    }

    /// Whether anything waits. When nothing does, the writer may sleep, and the next append wakes it.
    pub(super) fn has_work(&self) -> bool {
        let mut waiting = self.waiting.lock();
        let work =
            !(waiting.hot.is_empty() && waiting.lanes.is_empty() && waiting.to_gather.is_empty());
        waiting.writer_sleeps = !work;
        work
    }

    /// Moves what waits into `batch`, which is empty: all whole frames and one chunk of one lane.
    pub(super) fn take(&self, batch: &mut BytesMut) {
        let mut waiting = self.waiting.lock();
        if batch.capacity() > KEPT_CAPACITY {
            *batch = BytesMut::new();
        }
        std::mem::swap(&mut waiting.hot, batch);
        if let Some(mut lane) = waiting.lanes.pop_front() {
            lane.take_chunk(batch, self.frame_max());
            if !lane.parts.is_empty() {
                waiting.lanes.push_back(lane);
            }
        }
    }

    /// Waits until something is appended after [`Outbox::has_work`] said `false`.
    pub(super) async fn filled(&self) {
        self.wake.notified().await;
    }
}

impl Lane {
    fn take_chunk(&mut self, out: &mut BytesMut, frame_max: usize) {
        match self.parts.front_mut() {
            Some(Part::Body(body)) => {
                let per_frame = frame_max.saturating_sub(frame::OVERHEAD).max(1);
                let frames = (CHUNK / per_frame).max(1);
                let chunk = body.split_to(body.len().min(frames * per_frame));
                frame::body(out, self.channel, &chunk, frame_max);
                if body.has_remaining() {
                    return;
                }
            }
            Some(Part::Frames(frames)) => out.extend_from_slice(frames),
            None => {}
        }
        self.parts.pop_front();
    }
}

/// Appends frames under the lock.
pub(super) struct Appending<'a> {
    waiting: Option<MutexGuard<'a, Waiting>>,
    wake: &'a Notify,
}

impl Appending<'_> {
    /// Appends whole frames of a channel. Gives what `write` gives.
    pub(super) fn frames<T>(
        &mut self,
        channel: u16,
        write: impl FnOnce(&mut BytesMut) -> T,
    ) -> Option<T> {
        let waiting = self.waiting.as_deref_mut()?;
        let lane = waiting
            .lanes
            .iter_mut()
            .find(|lane| lane.channel == channel);
        let Some(lane) = lane else {
            return Some(write(&mut waiting.hot));
        };
        if !matches!(lane.parts.back(), Some(Part::Frames(_))) {
            lane.parts.push_back(Part::Frames(BytesMut::new()));
        }
        match lane.parts.back_mut() {
            Some(Part::Frames(frames)) => Some(write(frames)),
            _ => None,
        }
    }

    /// Appends a large body behind the frames just appended to its channel.
    pub(super) fn large_body(&mut self, channel: u16, body: Bytes) {
        let Some(waiting) = self.waiting.as_deref_mut() else {
            return;
        };
        if let Some(lane) = waiting
            .lanes
            .iter_mut()
            .find(|lane| lane.channel == channel)
        {
            lane.parts.push_back(Part::Body(body));
        } else {
            waiting.lanes.push_back(Lane {
                channel,
                parts: VecDeque::from([Part::Body(body)]),
                holds_close: false,
            });
        }
    }

    /// Notes that the frame just appended is our `channel.close`.
    pub(super) fn closes(&mut self, channel: u16) {
        let lanes = self
            .waiting
            .as_deref_mut()
            .map(|waiting| &mut waiting.lanes);
        if let Some(lane) = lanes
            .into_iter()
            .flatten()
            .find(|lane| lane.channel == channel)
        {
            lane.holds_close = true;
        }
    }

    /// Has the channel's acks gathered before the next write.
    pub(super) fn gather(&mut self, channel: Arc<Lease>) {
        if let Some(waiting) = self.waiting.as_deref_mut() {
            waiting.to_gather.push(channel);
        }
    }
}

impl Drop for Appending<'_> {
    fn drop(&mut self) {
        let Some(mut waiting) = self.waiting.take() else {
            return;
        };
        let wake = std::mem::take(&mut waiting.writer_sleeps);
        // Unlocked first: whoever is woken wants the lock.
        drop(waiting);
        if wake {
            self.wake.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(batch: &mut BytesMut) -> Vec<(u8, u16, usize)> {
        let mut kinds = Vec::new();
        while let Some(prefix) = frame::Prefix::read(batch) {
            kinds.push((prefix.kind, prefix.channel, prefix.size));
            batch.advance(prefix.size + frame::OVERHEAD);
        }
        kinds
    }

    fn taken(outbox: &Outbox) -> Vec<(u8, u16, usize)> {
        let mut batch = BytesMut::new();
        outbox.take(&mut batch);
        kinds(&mut batch)
    }

    #[test]
    fn a_large_body_holds_up_other_channels_by_one_chunk_and_its_own_until_its_end() {
        let outbox = Outbox::new();
        outbox.set_frame_max(131_072);
        let large = |out: &mut Appending<'_>, channel| {
            out.frames(channel, |out| {
                frame::method(out, channel, frame::BASIC_PUBLISH, |_| {})
            });
            out.large_body(channel, Bytes::from(vec![0; 300_000]));
        };
        let ack = |out: &mut Appending<'_>, channel| {
            out.frames(channel, |out| {
                frame::method(out, channel, frame::BASIC_ACK, |_| {})
            });
        };
        {
            let mut out = outbox.append();
            large(&mut out, 1);
            ack(&mut out, 1);
            large(&mut out, 2);
        }
        let piece = 131_064;
        assert_eq!(taken(&outbox), [(1, 1, 4), (1, 2, 4), (3, 1, piece)]);
        ack(&mut outbox.append(), 3);
        outbox.append().frames(0, frame::heartbeat);
        assert_eq!(taken(&outbox), [(1, 3, 4), (8, 0, 0), (3, 2, piece)]);
        assert_eq!(taken(&outbox), [(3, 1, piece)]);
        assert_eq!(taken(&outbox), [(3, 2, piece)]);
        assert_eq!(taken(&outbox), [(3, 1, 300_000 - 2 * piece)]);
        outbox.append().closes(2);
        assert!(outbox.drop_lane(2));
        assert_eq!(taken(&outbox), [(1, 1, 4)]);
        assert_eq!(taken(&outbox), []);
    }
}
