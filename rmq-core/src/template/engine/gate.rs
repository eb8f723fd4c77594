//! The one place where a message gets onto a channel: keeps the order.

use std::collections::VecDeque;
use std::sync::Arc;

use bytestring::ByteString;

use crate::template::channel::PublishChannel;
use crate::transport::PublishRejected;

use super::entry::Entry;
use super::flight::Flight;

/// A channel and the messages on it.
#[derive(Debug, Clone)]
pub(super) struct Current {
    pub(super) channel: Arc<dyn PublishChannel>,
    pub(super) flight: Arc<Flight>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Gate {
    pub(super) current: Option<Current>,
    /// What waits for a channel, oldest first.
    pub(super) backlog: VecDeque<Arc<Entry>>,
    /// So many at the front of the backlog go one at a time: one of them closed a channel.
    pub(super) suspects: usize,
    /// One of them is on the channel, alone.
    pub(super) probing: bool,
    /// The backlog is empty and nobody is suspected: a new message goes out at once.
    pub(super) open: bool,
    /// Nothing goes out any more.
    pub(super) stopped: bool,
}

/// What became of one try to append.
#[derive(Debug, PartialEq, Eq)]
enum Appended {
    /// Its bytes leave; whether a copy was sent before.
    Sent { again: bool },
    /// Its end was told meanwhile; its slot of the window is to be freed.
    Told,
    /// Its properties do not fit this link's frames: the cause. Nothing was sent.
    TooLarge(ByteString),
    /// The channel has ended.
    Closed,
}

/// What became of a message given to the gate.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Accepted {
    /// It is on its way, or waits for a channel.
    Taken,
    /// Its properties do not fit a frame: the cause.
    TooLarge(ByteString),
    /// Nothing goes out any more.
    Stopped,
}

/// What the supervisor does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Call again soon.
    Again,
    /// Wait for something to change.
    Wait,
}

/// What one step of the supervisor did.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// Whether anything was appended.
    pub(super) sent: bool,
    pub(super) copies: u64,
    /// Slots of the window that are free again.
    pub(super) slots: usize,
    /// Messages whose properties do not fit a frame of this link, each with the cause.
    pub(super) too_large: Vec<(Arc<Entry>, ByteString)>,
}

/// Messages appended under one hold of the lock, so that a long backlog does not keep callers waiting.
const AT_ONCE: usize = 64;

impl Gate {
    /// Takes a message that has entered the window.
    pub(super) fn accept(&mut self, entry: &Arc<Entry>) -> Accepted {
        if self.stopped {
            return Accepted::Stopped;
        }
        if self.open {
            match self.append(entry) {
                Appended::Sent { .. } | Appended::Told => return Accepted::Taken,
                Appended::TooLarge(cause) => return Accepted::TooLarge(cause),
                Appended::Closed => {}
            }
        }
        self.backlog.push_back(Arc::clone(entry));
        Accepted::Taken
    }

    /// Takes a message back for one more attempt: before everything that waits, behind the suspects. One that goes
    /// alone is a suspect itself.
    pub(super) fn take_back(&mut self, entry: Arc<Entry>, alone: bool) {
        let behind_suspects = self.suspects.min(self.backlog.len());
        self.backlog.insert(behind_suspects, entry);
        if alone {
            self.suspects += 1;
        }
        self.open = false;
    }

    fn append(&self, entry: &Arc<Entry>) -> Appended {
        let Some(current) = &self.current else {
            return Appended::Closed;
        };
        let mut progress = entry.progress();
        let Some(message) = &progress.message else {
            return Appended::Told;
        };
        // Entered before its bytes leave: the verdict may be there before `publish` returns.
        let token = current.flight.insert(Arc::clone(entry));
        let published = current.channel.publish(
            &entry.exchange,
            &entry.routing_key,
            message,
            entry.returns,
            token,
        );
        if let Err(rejected) = published {
            drop(current.flight.remove(token));
            return match rejected {
                PublishRejected::Closed => Appended::Closed,
                PublishRejected::PropertiesTooLarge { .. } => {
                    Appended::TooLarge(rejected.to_string().into())
                }
            };
        }
        let again = progress.note_sent(current.flight.ended_before);
        Appended::Sent { again }
    }

    /// Sends some of what waits, or the next suspect.
    pub(super) fn advance(&mut self, step: &mut Step) -> Next {
        let Some(flight) = self
            .current
            .as_ref()
            .map(|current| Arc::clone(&current.flight))
        else {
            return Next::Wait;
        };
        if self.probing || self.suspects > 0 {
            self.open = false;
            if !flight.is_idle_or_tell() {
                return Next::Wait;
            }
            self.probing = false;
            if self.suspects > 0 {
                return self.probe(step);
            }
        }
        for _ in 0..AT_ONCE {
            let Some(entry) = self.backlog.pop_front() else {
                self.open = true;
                return Next::Wait;
            };
            if !self.step(entry, step) {
                return Next::Wait;
            }
        }
        Next::Again
    }

    fn probe(&mut self, step: &mut Step) -> Next {
        self.suspects -= 1;
        let Some(entry) = self.backlog.pop_front() else {
            self.suspects = 0;
            return Next::Again;
        };
        self.probing = true;
        if self.step(entry, step) {
            Next::Again
        } else {
            self.suspects += 1;
            Next::Wait
        }
    }

    /// Appends one; false when the channel has ended, and then the message is where it was.
    fn step(&mut self, entry: Arc<Entry>, step: &mut Step) -> bool {
        match self.append(&entry) {
            Appended::Sent { again } => {
                step.sent = true;
                step.copies += u64::from(again);
            }
            Appended::Told => step.slots += 1,
            Appended::TooLarge(cause) => step.too_large.push((entry, cause)),
            Appended::Closed => {
                self.backlog.push_front(entry);
                return false;
            }
        }
        true
    }
}
