//! From a verdict to an end.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytestring::ByteString;
use tokio::time::Instant;

use crate::message::{Confirm, CorrelationData, PublishOutcome, ReturnedMessage};
use crate::observability::Metrics;
use crate::template::callbacks::Call;
use crate::template::error::Parts;
use crate::template::{PublishError, PublishErrorKind, RefusedReason};
use crate::transport::Verdict;

use super::Engine;
use super::alarm::Delayed;
use super::entry::{Ended, Entry, LastVerdict, Progress};
use super::tally::Tally;

/// How a publish ended, with what was learnt.
#[derive(Debug)]
pub(super) enum Outcome {
    Confirmed,
    Returned(Box<ReturnedMessage>),
    Nacked,
    Refused {
        reason: RefusedReason,
        reply: Option<(u16, ByteString)>,
        cause: ByteString,
    },
    Unknown {
        cause: ByteString,
    },
}

impl Outcome {
    /// Refused by the broker with an error.
    pub(super) fn refused_by_broker(code: u16, text: ByteString) -> Self {
        let cause = if code == 0 {
            text.clone()
        } else {
            format!("{code} {text}").into()
        };
        Self::Refused {
            reason: RefusedReason::Broker,
            reply: Some((code, text)),
            cause,
        }
    }

    const fn kind(&self) -> Option<PublishErrorKind> {
        Some(match self {
            Self::Confirmed => return None,
            Self::Returned(_) => PublishErrorKind::Returned,
            Self::Nacked => PublishErrorKind::Nacked,
            Self::Refused { reason, .. } => PublishErrorKind::Refused(*reason),
            Self::Unknown { .. } => PublishErrorKind::Unknown,
        })
    }
}

impl From<LastVerdict> for Outcome {
    fn from(last: LastVerdict) -> Self {
        match last {
            LastVerdict::Nacked => Self::Nacked,
            LastVerdict::Returned(returned) => Self::Returned(returned),
            LastVerdict::Refused { code, text } => Self::refused_by_broker(code, text),
        }
    }
}

/// First pause before a returned message is tried again inside the grace time; doubles up to [`GRACE_PAUSE_MOST`].
const GRACE_PAUSE: Duration = Duration::from_millis(50);
const GRACE_PAUSE_MOST: Duration = Duration::from_secs(1);

impl Engine {
    /// A verdict has come. Runs on the task that reads the socket.
    pub(super) fn settle(
        &self,
        entry: Arc<Entry>,
        verdict: Verdict,
        grace_until: Option<Instant>,
        tally: &mut Tally,
    ) {
        let mut progress = entry.progress();
        if progress.is_told() {
            tally.counts.late_verdicts += 1;
            tally.slots += 1;
            return;
        }
        let (last, pause) = match verdict {
            Verdict::Ack => {
                tally.slots += 1;
                let ended = self.conclude(&entry, &mut progress, Outcome::Confirmed, tally);
                drop(progress);
                tally.ended.push((entry, ended));
                return;
            }
            Verdict::Nack => (LastVerdict::Nacked, self.retry_pause(&entry, &progress)),
            Verdict::Returned(returned) => {
                let pause = grace_pause(&entry, &progress, grace_until);
                (LastVerdict::Returned(returned), pause)
            }
        };
        if let Some(pause) = pause {
            match last {
                LastVerdict::Returned(_) => progress.returns += 1,
                _ => progress.retries += 1,
            }
            progress.last = Some(Box::new(last));
            drop(progress);
            self.delay(Delayed::new(entry, pause, false), tally);
        } else {
            tally.slots += 1;
            let ended = self.conclude(&entry, &mut progress, last.into(), tally);
            drop(progress);
            tally.ended.push((entry, ended));
        }
    }

    /// The pause before a refused message is sent again; `None` when it is not.
    pub(super) fn retry_pause(&self, entry: &Entry, progress: &Progress) -> Option<Duration> {
        let retry = self.settings.retry.as_ref()?;
        let pause = retry.pause(progress.retries);
        let in_time = Instant::now() + pause < entry.deadline;
        (progress.retries < retry.max_retries && in_time).then_some(pause)
    }

    /// Ends a message unless its end was told before.
    pub(super) fn tell(&self, entry: &Arc<Entry>, outcome: Outcome, tally: &mut Tally) {
        let mut progress = entry.progress();
        if !progress.is_told() {
            let ended = self.conclude(entry, &mut progress, outcome, tally);
            drop(progress);
            tally.ended.push((Arc::clone(entry), ended));
        }
    }

    /// Ends a message for which no further verdict is waited: with the last verdict it had, if it had one; as
    /// refused, if it was never sent; as unknown otherwise.
    pub(super) fn tell_without_verdict(
        &self,
        entry: &Arc<Entry>,
        never_sent: RefusedReason,
        cause: &ByteString,
        tally: &mut Tally,
    ) {
        let mut progress = entry.progress();
        if progress.is_told() {
            return;
        }
        let outcome = match progress.last.take() {
            Some(last) => (*last).into(),
            None if progress.attempts == 0 => Outcome::Refused {
                reason: never_sent,
                reply: None,
                cause: cause.clone(),
            },
            None => Outcome::Unknown {
                cause: cause.clone(),
            },
        };
        let ended = self.conclude(entry, &mut progress, outcome, tally);
        drop(progress);
        tally.ended.push((Arc::clone(entry), ended));
    }

    /// The end itself. Its slot is not freed here: a message on a channel keeps it until the ack.
    fn conclude(
        &self,
        entry: &Entry,
        progress: &mut Progress,
        outcome: Outcome,
        tally: &mut Tally,
    ) -> Ended {
        let (message, bytes) = progress.tell();
        tally.bytes += usize::try_from(bytes).unwrap_or(usize::MAX);
        let Some(kind) = outcome.kind() else {
            tally.counts.confirmed += 1;
            // The message goes, and its id with the callback.
            let id = message.and_then(|mut message| message.properties_mut().message_id.take());
            self.call(entry, id, PublishOutcome::Confirmed, None, None, tally);
            record(progress, PublishOutcome::Confirmed, None);
            return Ok(());
        };
        let (reply, cause, returned) = explain(outcome);
        let returned = returned.map(|returned| Box::new(returned.completed(message.as_ref())));
        let error = PublishError::new(Parts {
            kind,
            message,
            message_id: entry.message_id.clone(),
            exchange: entry.exchange.clone(),
            routing_key: entry.routing_key.clone(),
            attempts: progress.attempts,
            possible_duplicate: progress.possible_duplicate
                || matches!(kind, PublishErrorKind::Unknown),
            reply,
            cause: cause.clone(),
            source: None,
        });
        tally.counts.count(kind.outcome());
        self.call(entry, None, kind.outcome(), Some(cause), returned, tally);
        record(progress, kind.outcome(), Some(error.code()));
        Err(error)
    }

    /// Queues the callbacks. `id` is the message's, if it is to be had without a copy.
    fn call(
        &self,
        entry: &Entry,
        id: Option<ByteString>,
        outcome: PublishOutcome,
        cause: Option<ByteString>,
        returned: Option<Box<ReturnedMessage>>,
        tally: &mut Tally,
    ) {
        if let Some(callbacks) = &self.callbacks {
            let confirm = || {
                let correlation = entry.correlation.clone().unwrap_or_else(|| {
                    CorrelationData::new(id.unwrap_or_else(|| entry.message_id.clone()))
                });
                Confirm::new(correlation, outcome, cause)
            };
            let wanted = callbacks.wanted();
            let confirm = wanted.confirm.then(confirm);
            let returned = returned.filter(|_| wanted.returned);
            tally.calls.extend(Call::new(confirm, returned));
        }
    }

    /// Applies what a batch did, in an order that nobody can catch half done: a caller who is woken finds the ledger
    /// settled and room in the window.
    pub(super) fn apply(&self, tally: &mut Tally) {
        self.window.release(tally.slots, tally.bytes);
        let in_flight = self.ledger.settle(&tally.counts);
        if !tally.ended.is_empty() {
            Metrics::settled(&tally.counts, in_flight);
        }
        if let Some(callbacks) = &self.callbacks {
            callbacks.push(&mut tally.calls);
        }
        self.finish(tally);
        tally.counts = Default::default();
        tally.slots = 0;
        tally.bytes = 0;
        if in_flight == 0 && self.stopping.is_cancelled() {
            self.drained.notify_one();
        }
    }

    fn finish(&self, tally: &mut Tally) {
        if tally.ended.is_empty() {
            return;
        }
        let durations = Metrics::send_duration();
        let now = Instant::now();
        for (entry, ended) in tally.ended.drain(..) {
            let waited = now.saturating_duration_since(entry.entered);
            durations.record(waited.as_secs_f64());
            tally.wakers.extend(entry.finish(ended));
        }
        // Behind all of them: a caller with many in flight finds the whole batch ended, and does not go to sleep again
        // after each.
        tally.wakers.drain(..).for_each(Waker::wake);
    }

    /// A refusal before the window: the ledger and the callback learn of it, too.
    pub(in crate::template) fn refused_outside(
        &self,
        correlation: CorrelationData,
        cause: ByteString,
    ) {
        self.ledger.refuse();
        if let Some(callbacks) = &self.callbacks
            && callbacks.wanted().confirm
        {
            let confirm = Confirm::new(correlation, PublishOutcome::Refused, Some(cause));
            callbacks.push(&mut Call::new(Some(confirm), None).into_iter().collect());
        }
    }
}

type Explained = (
    Option<(u16, ByteString)>,
    ByteString,
    Option<Box<ReturnedMessage>>,
);

/// The broker's reply, the cause in words, and what came back.
fn explain(outcome: Outcome) -> Explained {
    match outcome {
        Outcome::Confirmed => (None, ByteString::new(), None),
        Outcome::Returned(returned) => {
            let text = ByteString::from(returned.reply_text());
            let cause = format!("{} {text}: no queue took it", returned.reply_code());
            let reply = (returned.reply_code(), text);
            (Some(reply), cause.into(), Some(returned))
        }
        Outcome::Nacked => {
            let cause = "the broker refused it (basic.nack): a queue is full or has failed";
            (None, ByteString::from_static(cause), None)
        }
        Outcome::Refused { reply, cause, .. } => (reply, cause, None),
        Outcome::Unknown { cause } => (None, cause, None),
    }
}

fn grace_pause(
    entry: &Entry,
    progress: &Progress,
    grace_until: Option<Instant>,
) -> Option<Duration> {
    let now = Instant::now();
    let until = grace_until.filter(|until| now < *until)?;
    let doubled = GRACE_PAUSE.saturating_mul(1 << progress.returns.min(8));
    // The last try comes when the grace time ends, and its return is told.
    let pause = doubled.min(GRACE_PAUSE_MOST).min(until - now);
    (now + pause < entry.deadline).then_some(pause)
}

fn record(progress: &Progress, outcome: PublishOutcome, error: Option<&'static str>) {
    let Some(span) = &progress.span else { return };
    span.record("rmq.outcome", outcome.as_str());
    span.record("rmq.attempts", progress.attempts);
    if let Some(error) = error {
        span.record("error.type", error);
    }
}
