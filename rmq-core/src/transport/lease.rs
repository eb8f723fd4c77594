//! One channel of one generation: what is under way on it, and whether it is open.
//!
//! Three locks, always taken in this order: `inbound` (the reader's, and whoever ends the channel), `state`
//! (everybody's, short), and the outbox (under `state`, so that nothing is appended to a channel after its end).

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use bytes::BufMut;
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use crate::message::{Limits, Message, ReturnedMessage, wire};
use crate::name::Name;

use super::control::Control;
use super::frame::{self, MethodId};
use super::frontier::{Frontier, TagOutOfOrder};
use super::inbound::Inbound;
use super::outbox::{self, Outbox};
use super::pending::{PendingPublishes, UnknownTag};
use super::private_header::PrivateHeader;
use super::{CloseCause, Got, PublishRejected, Returns, Settlement, Stale, Token, Verdict};

static GENERATIONS: AtomicU64 = AtomicU64::new(1);

#[derive(Debug)]
pub(super) struct Lease {
    pub(super) number: u16,
    pub(super) generation: u64,
    pub(super) limits: Limits,
    outbox: Arc<Outbox>,
    pub(super) runtime: tokio::runtime::Handle,
    private_header: PrivateHeader,
    state: Mutex<State>,
    pub(super) inbound: Mutex<Inbound>,
    pub(super) control: Mutex<Control>,
    /// Control calls go one at a time: lapin matches answers by kind.
    pub(super) calls: Arc<tokio::sync::Mutex<()>>,
    pub(super) prefetch: AtomicU16,
    ended: watch::Sender<Option<CloseCause>>,
}

/// Whether frames may be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// Our close was appended; the broker still answers what came before it.
    Closing,
    /// The broker closed it, or answered our close, or the link ended.
    Ended,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    publishes: PendingPublishes,
    frontier: Frontier,
    /// Waits in the outbox's list of channels to gather.
    gathering: bool,
    gets: VecDeque<Get>,
    proof: Proof,
}

/// A get that waits for its answer.
#[derive(Debug)]
struct Get {
    no_ack: bool,
    answer: oneshot::Sender<Option<Got>>,
}

/// Which settlements are known to have arrived: the broker works a channel off in order, so the answer to a
/// synchronous method proves what was written before it.
#[derive(Debug, Default)]
struct Proof {
    settled: u64,
    proven: u64,
    /// What had been written when each unanswered synchronous method was appended.
    asked: VecDeque<u64>,
}

impl Lease {
    pub(super) fn new(
        number: u16,
        outbox: Arc<Outbox>,
        limits: Limits,
        runtime: tokio::runtime::Handle,
    ) -> Arc<Self> {
        let generation = GENERATIONS.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self {
            number,
            generation,
            limits,
            outbox,
            runtime,
            private_header: PrivateHeader::new(generation),
            state: Mutex::new(State {
                phase: Phase::Open,
                publishes: PendingPublishes::default(),
                frontier: Frontier::default(),
                gathering: false,
                gets: VecDeque::new(),
                proof: Proof::default(),
            }),
            inbound: Mutex::default(),
            control: Mutex::default(),
            calls: Arc::default(),
            prefetch: AtomicU16::new(0),
            ended: watch::Sender::new(None),
        })
    }

    pub(super) fn ended(&self) -> watch::Receiver<Option<CloseCause>> {
        self.ended.subscribe()
    }

    pub(super) fn cause(&self) -> Option<CloseCause> {
        self.ended.borrow().clone()
    }

    pub(super) fn phase(&self) -> Phase {
        self.state.lock().phase
    }

    /// See [`super::Channel::publish`].
    pub(super) fn publish(
        &self,
        exchange: &Name,
        routing_key: &Name,
        message: &Message,
        returns: Returns,
        token: Token,
    ) -> Result<u64, PublishRejected> {
        let frame_max = self.outbox.frame_max();
        let body = message.body();
        let large = body.len() > outbox::CHUNK;
        let mut state = self.state.lock();
        if state.phase != Phase::Open {
            return Err(PublishRejected::Closed);
        }
        let tag = state.publishes.enter(token, returns);
        let mut out = self.outbox.append();
        let header_too_large = out.frames(self.number, |out| {
            let start = out.len();
            frame::method(out, self.number, frame::BASIC_PUBLISH, |out| {
                out.put_u16(0);
                crate::message::table::write_short(out, exchange);
                crate::message::table::write_short(out, routing_key);
                out.put_u8(u8::from(returns.mandatory()));
            });
            let header = out.len();
            let private = |out: &mut bytes::BytesMut| self.private_header.write(out, tag);
            frame::frame(out, frame::HEADER, self.number, |out| {
                out.put_u32(60 << 16);
                out.put_u64(body.len() as u64);
                let by_header = returns == Returns::ByHeader;
                wire::write_properties(out, message.properties(), by_header.then_some(&private));
            });
            let size = out.len() - header;
            if size > frame_max {
                out.truncate(start);
                return Some(size);
            }
            if !large {
                frame::body(out, self.number, body, frame_max);
            }
            None
        });
        if let Some(size) = header_too_large.flatten() {
            state.publishes.retract();
            return Err(PublishRejected::PropertiesTooLarge {
                size,
                limit: frame_max,
            });
        }
        if large {
            out.large_body(self.number, body.clone());
        }
        Ok(tag)
    }

    /// See [`super::Channel::settle`].
    pub(super) fn settle(self: &Arc<Self>, tag: u64, settlement: Settlement) -> Result<(), Stale> {
        let mut state = self.state.lock();
        if state.phase != Phase::Open {
            return Err(Stale);
        }
        if settlement == Settlement::Ack {
            state.frontier.finish(tag)?;
            if !std::mem::replace(&mut state.gathering, true) {
                self.outbox.append().gather(Arc::clone(self));
            }
            return Ok(());
        }
        state.frontier.settle_alone(tag)?;
        state.proof.settled += 1;
        self.outbox
            .append()
            .frames(self.number, |out| match settlement {
                Settlement::HandBack => frame::method(out, self.number, frame::BASIC_NACK, |out| {
                    out.put_u64(tag);
                    out.put_u8(0b10);
                }),
                _ => frame::method(out, self.number, frame::BASIC_REJECT, |out| {
                    out.put_u64(tag);
                    out.put_u8(u8::from(settlement == Settlement::Requeue));
                }),
            });
        Ok(())
    }

    /// Appends the acks of what has finished since the last time.
    pub(super) fn gather(&self) {
        self.gather_locked(&mut self.state.lock());
    }

    fn gather_locked(&self, state: &mut State) {
        state.gathering = false;
        if state.phase != Phase::Open || state.frontier.finished() == 0 {
            return;
        }
        let frontier = &mut state.frontier;
        let settled = self.outbox.append().frames(self.number, |out| {
            frontier.gather(|tag, multiple| {
                frame::method(out, self.number, frame::BASIC_ACK, |out| {
                    out.put_u64(tag);
                    out.put_u8(u8::from(multiple));
                });
            })
        });
        state.proof.settled += settled.unwrap_or(0);
    }

    /// Settlements not proven by an answer behind them, those not even written included.
    pub(super) fn unproven(&self) -> u64 {
        let state = self.state.lock();
        state.proof.settled - state.proof.proven + state.frontier.finished()
    }

    /// The answer to a synchronous method has come.
    pub(super) fn answered(&self) {
        let proof = &mut self.state.lock().proof;
        if let Some(settled) = proof.asked.pop_front() {
            proof.proven = settled;
        }
    }

    /// Appends a get.
    pub(super) fn get(&self, queue: &Name, no_ack: bool) -> Option<oneshot::Receiver<Option<Got>>> {
        let mut state = self.state.lock();
        self.gather_locked(&mut state);
        if state.phase != Phase::Open {
            return None;
        }
        let (answer, waiter) = oneshot::channel();
        state.gets.push_back(Get { no_ack, answer });
        let settled = state.proof.settled;
        state.proof.asked.push_back(settled);
        self.outbox.append().frames(self.number, |out| {
            frame::method(out, self.number, frame::BASIC_GET, |out| {
                out.put_u16(0);
                crate::message::table::write_short(out, queue);
                out.put_u8(u8::from(no_ack));
            });
        });
        Some(waiter)
    }

    /// Whether the get that is answered next is without acknowledgement; `None` when none waits.
    pub(super) fn next_get_is_no_ack(&self) -> Option<bool> {
        self.state.lock().gets.front().map(|get| get.no_ack)
    }

    /// Gives a get its answer. A message that nobody waits for any more goes back to its queue.
    pub(super) fn got(self: &Arc<Self>, got: Option<Got>) {
        let get = self.state.lock().gets.pop_front();
        let Some(get) = get else { return };
        if let Err(Some(unwanted)) = get.answer.send(got)
            && !get.no_ack
        {
            // Stale only when the channel has ended, and then the broker takes it back by itself.
            let _ = self.settle(unwanted.delivery.tag(), Settlement::HandBack);
        }
    }

    /// A delivery has come: its tag can be settled from now on. `false` while the channel closes: nobody could.
    pub(super) fn delivered(&self, tag: u64, no_ack: bool) -> Result<bool, TagOutOfOrder> {
        let mut state = self.state.lock();
        state.frontier.delivered(tag, no_ack)?;
        Ok(state.phase == Phase::Open)
    }

    pub(super) fn returned(
        &self,
        tag: u64,
        message: Box<ReturnedMessage>,
    ) -> Result<(), UnknownTag> {
        self.state.lock().publishes.returned(tag, message)
    }

    pub(super) fn confirmed(
        &self,
        tag: u64,
        multiple: bool,
        nack: bool,
        verdicts: &mut Vec<(Token, Verdict)>,
    ) -> Result<(), UnknownTag> {
        self.state
            .lock()
            .publishes
            .settle(tag, multiple, nack, verdicts)
    }

    /// The tag of a returned message: by its private header, or by its id.
    pub(super) fn tag_of(&self, headers: &[u8], message_id: Option<&str>) -> Option<u64> {
        let publishes = &mut self.state.lock().publishes;
        let by_header = self.private_header.tag(headers);
        let by_header = by_header.filter(|tag| publishes.is_by_header(*tag));
        by_header.or_else(|| publishes.tag_of(Uuid::try_parse(message_id?).ok()?))
    }

    /// Publishes without a verdict.
    pub(super) fn in_flight(&self) -> usize {
        self.state.lock().publishes.len()
    }

    /// Appends a frame that lapin wrote on this channel. `false` when the channel is not open: the frame is dropped.
    pub(super) fn control_frame(&self, id: MethodId, frame: &[u8]) -> bool {
        let mut state = self.state.lock();
        self.gather_locked(&mut state);
        if state.phase != Phase::Open {
            return false;
        }
        let close = id == frame::CHANNEL_CLOSE;
        if close {
            state.phase = Phase::Closing;
        }
        // lapin's two answers of its own ask for nothing.
        if !matches!(id, frame::BASIC_CANCEL_OK | frame::CHANNEL_FLOW_OK) {
            let settled = state.proof.settled;
            state.proof.asked.push_back(settled);
        }
        let mut out = self.outbox.append();
        out.frames(self.number, |out| out.extend_from_slice(frame));
        if close {
            out.closes(self.number);
        }
        true
    }

    /// The broker closes the channel: nothing more is appended, and its close is answered. What it was doing before,
    /// and whether our own close was dropped unwritten.
    pub(super) fn close_received(&self) -> (Phase, bool) {
        let mut state = self.state.lock();
        let before = std::mem::replace(&mut state.phase, Phase::Ended);
        let close_dropped = self.outbox.drop_lane(self.number);
        self.outbox.append().frames(self.number, |out| {
            frame::method(out, self.number, frame::CHANNEL_CLOSE_OK, |_| {});
        });
        (before, close_dropped)
    }

    /// Ends it and tells everybody whose message, delivery or call was on it. The second time does nothing.
    pub(super) fn end(&self, cause: &CloseCause) {
        let mut inbound = self.inbound.lock();
        if std::mem::replace(&mut inbound.told, true) {
            return;
        }
        let (pending, gets) = {
            let mut state = self.state.lock();
            state.phase = Phase::Ended;
            (state.publishes.drain(), std::mem::take(&mut state.gets))
        };
        // One sink that panics must not keep the others from their word.
        guarded(|| inbound.tell());
        if let Some(publisher) = inbound.publisher.take() {
            guarded(|| publisher.closed(cause, pending));
        }
        for consumer in inbound.consumers.take() {
            guarded(|| consumer.closed(cause));
        }
        drop(inbound);
        self.ended.send_replace(Some(cause.clone()));
        drop(gets);
    }
}

fn guarded(tell: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(tell)).is_err() {
        tracing::error!(
            "a receiver of verdicts or deliveries panicked while it was told the end of its channel"
        );
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
