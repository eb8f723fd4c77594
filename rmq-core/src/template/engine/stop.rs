//! The end of an engine: drain, then tell whoever is left.

use std::sync::Arc;

use bytestring::ByteString;

use crate::template::{RefusedReason, UnsettledPublish};
use crate::time::Deadline;

use super::Engine;
use super::entry::Entry;
use super::tally::Tally;

impl Engine {
    /// Takes no new publish, waits for verdicts until the deadline, then tells what is left, and gives it.
    pub(in crate::template) async fn stop(&self, deadline: Deadline) -> Vec<UnsettledPublish> {
        self.stopping.cancel();
        self.window.close();
        while self.ledger.counts().in_flight > 0 {
            if deadline.limit(self.drained.notified()).await.is_err() {
                break;
            }
        }
        let cause = ByteString::from_static("this program stopped before a verdict came");
        let channel = {
            let gate = self.gate.lock();
            gate.current
                .as_ref()
                .map(|current| Arc::clone(&current.channel))
        };
        let left = self.abandon(&cause);
        if let Some(callbacks) = &self.callbacks {
            callbacks.drain(deadline).await;
        }
        if let Some(channel) = channel {
            channel.close(deadline).await;
        }
        left
    }

    /// The publishing connection will not come back.
    pub(super) fn end(&self, cause: &ByteString) {
        self.stopping.cancel();
        self.window.close();
        drop(self.abandon(cause));
    }

    /// Tells everything that is not told, now. Gives it, oldest first.
    pub(in crate::template) fn abandon(&self, cause: &ByteString) -> Vec<UnsettledPublish> {
        self.stopping.cancel();
        let mut left: Vec<Arc<Entry>> = Vec::new();
        {
            let mut gate = self.gate.lock();
            gate.stopped = true;
            gate.open = false;
            left.extend(gate.backlog.drain(..));
            if let Some(current) = gate.current.take() {
                left.extend(current.flight.drain());
            }
        }
        left.extend(self.alarm.end().into_iter().map(|delayed| delayed.entry));
        left.sort_unstable_by_key(|entry| entry.sequence);
        let mut tally = Tally::default();
        for entry in &left {
            tally.slots += 1;
            self.tell_without_verdict(entry, RefusedReason::ShuttingDown, cause, &mut tally);
        }
        let unsettled = tally.ended.iter().filter_map(|(entry, ended)| {
            let error = ended.as_ref().err()?;
            Some(UnsettledPublish {
                message_id: entry.message_id.clone(),
                kind: error.kind(),
            })
        });
        let unsettled = unsettled.collect();
        self.apply(&mut tally);
        self.stopped.cancel();
        self.replies.end();
        unsettled
    }
}
