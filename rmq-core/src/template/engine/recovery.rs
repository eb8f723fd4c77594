//! What becomes of the messages on a channel that has ended.

use std::collections::VecDeque;
use std::sync::Arc;

use bytestring::ByteString;
use tokio::time::Instant;

use crate::template::error::transient_reply;
use crate::template::{RefusedReason, ResendPolicy};
use crate::transport::{CloseCause, Pending, Verdict};

use super::Engine;
use super::alarm::Delayed;
use super::entry::{Entry, LastVerdict};
use super::flight::{Closed, Flight};
use super::settle::Outcome;
use super::tally::Tally;

/// So many losses with the same oldest message, and those pending are suspected. Also: so many losses of one message
/// that was alone, and it is the culprit.
const LOSSES: u32 = 2;

/// Remembers the oldest message of the last loss.
#[derive(Debug, Default)]
pub(super) struct Suspicion {
    oldest: Option<u64>,
    losses: u32,
}

impl Suspicion {
    /// A channel was lost with this message as its oldest. Whether it happens too often with it.
    fn lost(&mut self, oldest: u64) -> bool {
        if self.oldest == Some(oldest) {
            self.losses += 1;
        } else {
            self.oldest = Some(oldest);
            self.losses = 1;
        }
        self.losses >= LOSSES
    }

    const fn clear(&mut self) {
        self.oldest = None;
        self.losses = 0;
    }
}

impl Engine {
    /// The channel has ended: settles what can be settled, and puts the rest in front of everything that waits, in the
    /// order of the tags.
    pub(super) fn recover(&self, flight: &Flight, closed: Closed, suspicion: &mut Suspicion) {
        let mut tally = Tally::default();
        let mut gate = self.gate.lock();
        gate.current = None;
        gate.open = false;
        let was_probing = std::mem::take(&mut gate.probing);
        if gate.stopped {
            return;
        }
        let alone = closed.pending.len() == 1;
        let mut again = self.take_pending(flight, closed.pending, &mut tally);
        let cause = closed.cause;
        let words = ByteString::from(cause.to_string());
        *self.lost.lock() = words.clone();
        *self.trouble.lock() = words;
        let suspects = match again.front() {
            None => {
                suspicion.clear();
                // The culprit, if there was one, is told; the others need no search.
                if was_probing && cause.is_publish() {
                    0
                } else {
                    gate.suspects
                }
            }
            Some(_)
                if self.settings.resend == ResendPolicy::Never
                    && !(alone && cause.is_publish()) =>
            {
                self.give_up(&mut again, &cause, &mut tally);
                gate.suspects
            }
            Some(oldest) if alone && self.is_culprit(oldest, &cause, was_probing) => {
                let culprit = again.pop_front();
                suspicion.clear();
                if let Some(culprit) = culprit {
                    self.refuse_culprit(culprit, &cause, &mut tally);
                }
                0
            }
            Some(oldest) => {
                let too_often = !cause.by_us && suspicion.lost(oldest.sequence);
                let search = cause.is_publish() || was_probing || too_often;
                // Suspects are at the front of the backlog: what comes in front of some is one of them.
                if search || gate.suspects > 0 {
                    gate.suspects + again.len()
                } else {
                    0
                }
            }
        };
        for entry in again.into_iter().rev() {
            gate.backlog.push_front(entry);
        }
        gate.suspects = suspects;
        let oldest = gate.backlog.front().map(|entry| entry.deadline);
        drop(gate);
        self.apply(&mut tally);
        if let Some(deadline) = oldest {
            self.watch(Instant::now(), deadline);
        }
    }

    /// Those that must be sent again, in the order of their tags; ends those whose end is clear.
    fn take_pending(
        &self,
        flight: &Flight,
        pending: Vec<Pending>,
        tally: &mut Tally,
    ) -> VecDeque<Arc<Entry>> {
        let mut again = VecDeque::with_capacity(pending.len());
        for Pending { token, returned } in pending {
            let Some(entry) = flight.remove(token) else {
                continue;
            };
            if let Some(returned) = returned {
                // Its ack was still on the way; that it is in no queue is known.
                self.settle(
                    entry,
                    Verdict::Returned(returned),
                    flight.grace_until(),
                    tally,
                );
            } else if entry.is_told() {
                // Its deadline had passed; now its slot is free.
                tally.slots += 1;
            } else {
                again.push_back(entry);
            }
        }
        again
    }

    /// Whether the one message on the channel is what ended it. A publish named by the broker is; a lost link is only
    /// when it was lost again and again with nothing but this message on it.
    fn is_culprit(&self, entry: &Entry, cause: &CloseCause, was_probing: bool) -> bool {
        if cause.is_publish() {
            return true;
        }
        if cause.by_us || !was_probing {
            return false;
        }
        let mut progress = entry.progress();
        progress.lost_alone += 1;
        progress.lost_alone >= LOSSES
    }

    fn refuse_culprit(&self, culprit: Arc<Entry>, cause: &CloseCause, tally: &mut Tally) {
        let pause = if transient_reply(cause.code) {
            let mut progress = culprit.progress();
            let pause = self.retry_pause(&culprit, &progress);
            if pause.is_some() {
                progress.retries += 1;
                progress.last = Some(Box::new(LastVerdict::Refused {
                    code: cause.code,
                    text: cause.text.clone(),
                }));
            }
            pause
        } else {
            None
        };
        if let Some(pause) = pause {
            self.delay(Delayed::new(culprit, pause, true), tally);
        } else {
            tally.slots += 1;
            let text = if cause.code == 0 {
                format!("{cause}, each time with nothing but this message on it").into()
            } else {
                cause.text.clone()
            };
            self.tell(
                &culprit,
                Outcome::refused_by_broker(cause.code, text),
                tally,
            );
        }
    }

    /// `resend: never`: nobody knows what became of them.
    fn give_up(&self, again: &mut VecDeque<Arc<Entry>>, cause: &CloseCause, tally: &mut Tally) {
        let words = ByteString::from(cause.to_string());
        for entry in again.drain(..) {
            tally.slots += 1;
            self.tell_without_verdict(&entry, RefusedReason::NotConnected, &words, tally);
        }
    }
}
