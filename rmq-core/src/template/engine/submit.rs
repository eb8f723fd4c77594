//! Into the window.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytestring::ByteString;
use tokio::time::Instant;

use crate::template::RefusedReason;
use crate::template::callbacks::in_callback;
use crate::time::Deadline;

use super::Engine;
use super::entry::{Draft, Entry};
use super::gate::Accepted;
use super::settle::Outcome;
use super::tally::Tally;
use super::window::{NoRoom, Room};

/// Why a message is not let in, and in words.
pub(in crate::template) type Refusal = (RefusedReason, ByteString);

impl Engine {
    /// Room at once; `None` when the message has to wait, or is not let in at all: [`Engine::admit`] says which.
    pub(in crate::template) fn try_admit(&self, body: usize) -> Option<Room<'_>> {
        // A stop is seen by the window or by the gate.
        let waits = self.source.is_blocked() || !self.callbacks_have_room();
        (!waits).then(|| self.window.try_reserve(body)).flatten()
    }

    fn callbacks_have_room(&self) -> bool {
        match &self.callbacks {
            // A callback that publishes must not wait for callbacks.
            Some(callbacks) => callbacks.has_room() || in_callback(),
            None => true,
        }
    }

    /// Room before the deadline.
    ///
    /// If dropped, the room goes back.
    pub(in crate::template) async fn admit(
        &self,
        body: usize,
        deadline: Deadline,
    ) -> Result<Room<'_>, Refusal> {
        tokio::select! {
            biased;
            () = self.stopping.cancelled() => Err(shutting_down()),
            room = self.wait_for_room(body, deadline) => room,
        }
    }

    async fn wait_for_room(&self, body: usize, deadline: Deadline) -> Result<Room<'_>, Refusal> {
        loop {
            if self.source.is_blocked() {
                let unblocked = self.source.wait_unblocked(deadline).await;
                unblocked.map_err(|error| {
                    let words = format!("the broker takes no publishes: {error}");
                    (RefusedReason::Blocked, words.into())
                })?;
            }
            if let Some(callbacks) = &self.callbacks
                && !self.callbacks_have_room()
            {
                let room = callbacks.wait_for_room(deadline).await;
                room.map_err(|_| {
                    let words = "the queue of confirm callbacks stayed full until the deadline";
                    (RefusedReason::WindowFull, words.into())
                })?;
            }
            let room = self.window.reserve(body, deadline).await;
            let room = room.map_err(|no_room| self.no_room(no_room))?;
            // The wait may have been long enough for an alarm of the broker.
            if !self.source.is_blocked() {
                return Ok(room);
            }
        }
    }

    fn no_room(&self, no_room: NoRoom) -> Refusal {
        match no_room {
            NoRoom::Closed => shutting_down(),
            NoRoom::Deadline => {
                let words = format!(
                    "the window stayed full until the deadline ({} messages, {} bytes)",
                    self.settings.window_messages, self.settings.window_bytes
                );
                (RefusedReason::WindowFull, words.into())
            }
        }
    }

    /// Enters a message that has room: so many bytes of the window are its own. From here on the engine owns its fate,
    /// whatever the caller does.
    pub(in crate::template) fn submit(&self, draft: Draft, bytes: u32) -> Arc<Entry> {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let entered = Instant::now();
        let deadline = Deadline::behind(entered, self.settings.confirm_timeout).instant();
        let entry = Arc::new(Entry::new(draft, bytes, sequence, entered, deadline));
        self.ledger.enter();
        // A statement of its own: the lock is free again before the outcome is looked at.
        let accepted = self.gate.lock().accept(&entry);
        match accepted {
            Accepted::Taken => self.watch(entered, deadline),
            Accepted::TooLarge(cause) => self.turn_away(&entry, (RefusedReason::Headers, cause)),
            Accepted::Stopped => self.turn_away(&entry, shutting_down()),
        }
        entry
    }

    /// Entered the window, and cannot be sent.
    fn turn_away(&self, entry: &Arc<Entry>, (reason, cause): Refusal) {
        let mut tally = Tally::default();
        self.refuse(entry, reason, cause, &mut tally);
        self.apply(&mut tally);
    }

    /// Ends a message as refused by us, and frees its slot.
    pub(super) fn refuse(
        &self,
        entry: &Arc<Entry>,
        reason: RefusedReason,
        cause: ByteString,
        tally: &mut Tally,
    ) {
        tally.slots += 1;
        let reply = None;
        let refused = Outcome::Refused {
            reason,
            reply,
            cause,
        };
        self.tell(entry, refused, tally);
    }
}

fn shutting_down() -> Refusal {
    let words = ByteString::from_static("this program is stopping");
    (RefusedReason::ShuttingDown, words)
}
