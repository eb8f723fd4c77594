//! One message from the moment it enters the window until its slot is free again.

use std::mem;
use std::task::{Context, Poll, Waker};

use bytestring::ByteString;
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;
use tracing::Span;

use crate::message::{CorrelationData, Message, ReturnedMessage};
use crate::name::Name;
use crate::template::{Confirmed, PublishError};
use crate::transport::Returns;

/// What a publish is made of, ready to be sent.
#[derive(Debug)]
pub(in crate::template) struct Draft {
    pub(in crate::template) message: Message,
    pub(in crate::template) message_id: ByteString,
    pub(in crate::template) exchange: Name,
    pub(in crate::template) routing_key: Name,
    pub(in crate::template) returns: Returns,
    pub(in crate::template) correlation: Option<CorrelationData>,
    /// `None` when nobody records it.
    pub(in crate::template) span: Option<Box<Span>>,
}

/// How a publish ends. The rest of what a [`Confirmed`] says is in the entry.
pub(super) type Ended = Result<(), PublishError>;

/// A message in the window. Shared by the channel it is on and the caller who waits; the channel owns its fate.
#[derive(Debug)]
pub(in crate::template) struct Entry {
    pub(in crate::template) message_id: ByteString,
    pub(in crate::template) exchange: Name,
    pub(in crate::template) routing_key: Name,
    pub(in crate::template) returns: Returns,
    pub(super) correlation: Option<CorrelationData>,
    pub(super) entered: Instant,
    pub(super) deadline: Instant,
    /// The order in which messages entered.
    pub(super) sequence: u64,
    progress: Mutex<Progress>,
}

/// What changes on the way.
#[derive(Debug)]
pub(super) struct Progress {
    /// Until its end is told; then the caller has it, or nobody needs it.
    pub(super) message: Option<Message>,
    /// What it holds of the window's bytes; given back when its end is told.
    pub(super) bytes: u32,
    /// How often it was appended to a channel.
    pub(super) attempts: u32,
    /// Channels with a consumer of replies that had ended before the one it was last appended to.
    ended_before: u64,
    /// Whether an earlier copy may be in a queue.
    pub(super) possible_duplicate: bool,
    /// Pauses so far, before a retry or inside the grace time.
    pub(super) retries: u32,
    /// Returns so far that the grace time took back.
    pub(super) returns: u32,
    /// Links lost while it was alone in flight.
    pub(super) lost_alone: u32,
    /// The last verdict, while it waits to be sent again.
    pub(super) last: Option<Box<LastVerdict>>,
    pub(super) span: Option<Box<Span>>,
    told: bool,
    ended: Option<Ended>,
    waker: Option<Waker>,
}

/// A verdict that policy did not take as the end.
#[derive(Debug)]
pub(super) enum LastVerdict {
    Nacked,
    Returned(Box<ReturnedMessage>),
    Refused { code: u16, text: ByteString },
}

impl Entry {
    /// `entered` is now.
    pub(super) fn new(
        draft: Draft,
        bytes: u32,
        sequence: u64,
        entered: Instant,
        deadline: Instant,
    ) -> Self {
        Self {
            message_id: draft.message_id,
            exchange: draft.exchange,
            routing_key: draft.routing_key,
            returns: draft.returns,
            correlation: draft.correlation,
            entered,
            deadline,
            sequence,
            progress: Mutex::new(Progress {
                message: Some(draft.message),
                bytes,
                attempts: 0,
                ended_before: 0,
                possible_duplicate: false,
                retries: 0,
                returns: 0,
                lost_alone: 0,
                last: None,
                span: draft.span,
                told: false,
                ended: None,
                waker: None,
            }),
        }
    }

    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock()
    }

    pub(in crate::template) fn ended_before(&self) -> u64 {
        self.progress.lock().ended_before
    }

    /// Whether its end is told.
    pub(super) fn is_told(&self) -> bool {
        self.progress.lock().told
    }

    /// Leaves the end for the caller. Gives whom to wake, if the caller waits.
    pub(super) fn finish(&self, ended: Ended) -> Option<Waker> {
        let mut progress = self.progress.lock();
        progress.ended = Some(ended);
        progress.waker.take()
    }

    /// The end, once; after that it is pending for ever.
    pub(in crate::template) fn poll(
        &self,
        cx: &Context<'_>,
    ) -> Poll<Result<Confirmed, PublishError>> {
        let mut progress = self.progress.lock();
        if let Some(ended) = progress.ended.take() {
            return Poll::Ready(ended.map(|()| self.confirmed(&progress)));
        }
        match &mut progress.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl Entry {
    fn confirmed(&self, progress: &Progress) -> Confirmed {
        Confirmed {
            message_id: self.message_id.clone(),
            attempts: progress.attempts,
            possible_duplicate: progress.possible_duplicate,
            routing_checked: self.returns.mandatory(),
        }
    }
}

impl Progress {
    pub(super) const fn is_told(&self) -> bool {
        self.told
    }

    /// Marks the end as told and gives up the message and its bytes.
    pub(super) const fn tell(&mut self) -> (Option<Message>, u32) {
        self.told = true;
        (self.message.take(), mem::replace(&mut self.bytes, 0))
    }

    /// Notes one more copy on its way; whether an earlier one was sent before.
    pub(super) fn note_sent(&mut self, ended_before: u64) -> bool {
        self.ended_before = ended_before;
        let again = self.attempts > 0;
        // What came back was in no queue; anything else may be.
        let returned = matches!(self.last.as_deref(), Some(LastVerdict::Returned(_)));
        self.possible_duplicate |= again && !returned;
        self.attempts += 1;
        self.last = None;
        again
    }
}

/// An entry for tests of the parts around it.
#[cfg(test)]
pub(in crate::template) fn test_entry(sequence: u64) -> std::sync::Arc<Entry> {
    let draft = Draft {
        message: Message::default(),
        message_id: ByteString::new(),
        exchange: Name::default(),
        routing_key: Name::default(),
        returns: Returns::ByHeader,
        correlation: None,
        span: None,
    };
    let now = Instant::now();
    std::sync::Arc::new(Entry::new(draft, 0, sequence, now, now))
}
