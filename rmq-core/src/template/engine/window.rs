//! The bound on what is in flight: a number of messages and a number of body bytes.

use tokio::sync::{AcquireError, Semaphore};

use crate::time::{Deadline, Elapsed};

/// Why there was no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// Not until the deadline.
    Deadline,
    /// The window is closed for ever.
    Closed,
}

/// Two semaphores; both serve in the order of asking.
#[derive(Debug)]
pub(super) struct Window {
    messages: Semaphore,
    bytes: Semaphore,
    most_messages: usize,
    most_bytes: u32,
}

/// Room for one message. Gives itself back unless it is taken.
#[derive(Debug)]
pub(in crate::template) struct Room<'a> {
    window: &'a Window,
    messages: usize,
    bytes: u32,
}

impl Window {
    pub(super) fn new(messages: usize, bytes: u32) -> Self {
        let most_messages = messages.clamp(1, Semaphore::MAX_PERMITS);
        let most_bytes = bytes.max(1);
        Self {
            messages: Semaphore::new(most_messages),
            bytes: Semaphore::new(usize::try_from(most_bytes).unwrap_or(usize::MAX)),
            most_messages,
            most_bytes,
        }
    }

    pub(super) const fn most_messages(&self) -> usize {
        self.most_messages
    }

    /// What a body costs: a body larger than the whole window takes all of it, and so is let in alone.
    fn cost(&self, body: usize) -> u32 {
        u32::try_from(body).unwrap_or(u32::MAX).min(self.most_bytes)
    }

    /// Room at once, if there is any and nobody waits for it.
    pub(super) fn try_reserve(&self, body: usize) -> Option<Room<'_>> {
        let mut room = self.no_room_yet();
        self.messages.try_acquire().ok()?.forget();
        room.messages = 1;
        let cost = self.cost(body);
        if cost > 0 {
            self.bytes.try_acquire_many(cost).ok()?.forget();
            room.bytes = cost;
        }
        Some(room)
    }

    /// Room before the deadline. Those who asked first come first.
    pub(super) async fn reserve(
        &self,
        body: usize,
        deadline: Deadline,
    ) -> Result<Room<'_>, NoRoom> {
        let mut room = self.no_room_yet();
        let place = deadline.limit(self.messages.acquire()).await;
        granted(place)?.forget();
        room.messages = 1;
        let cost = self.cost(body);
        if cost > 0 {
            let bytes = deadline.limit(self.bytes.acquire_many(cost)).await;
            granted(bytes)?.forget();
            room.bytes = cost;
        }
        Ok(room)
    }

    const fn no_room_yet(&self) -> Room<'_> {
        Room {
            window: self,
            messages: 0,
            bytes: 0,
        }
    }

    /// Gives room back.
    pub(super) fn release(&self, messages: usize, bytes: usize) {
        if messages > 0 {
            self.messages.add_permits(messages);
        }
        if bytes > 0 {
            self.bytes.add_permits(bytes);
        }
    }

    /// Nobody gets room any more; whoever waits is told.
    pub(super) fn close(&self) {
        self.messages.close();
        self.bytes.close();
    }

    /// Messages that hold a slot.
    pub(super) fn used(&self) -> usize {
        self.most_messages
            .saturating_sub(self.messages.available_permits())
    }
}

fn granted<T>(waited: Result<Result<T, AcquireError>, Elapsed>) -> Result<T, NoRoom> {
    match waited {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) => Err(NoRoom::Closed),
        Err(Elapsed) => Err(NoRoom::Deadline),
    }
}

impl Room<'_> {
    /// Takes the room; from here on the message's settlement gives it back. The bytes it cost.
    pub(in crate::template) fn take(mut self) -> u32 {
        let bytes = self.bytes;
        self.messages = 0;
        self.bytes = 0;
        bytes
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        let bytes = usize::try_from(self.bytes).unwrap_or(usize::MAX);
        self.window.release(self.messages, bytes);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::time::Duration;

    use futures_util::poll;

    use super::*;

    #[test]
    fn a_body_larger_than_the_window_gets_in_alone() {
        let window = Window::new(10, 100);
        let small = window.try_reserve(1).unwrap();
        assert!(window.try_reserve(1_000).is_none(), "not beside another");
        drop(small);
        let large = window.try_reserve(1_000).unwrap();
        assert!(window.try_reserve(1).is_none(), "nothing beside it");
        drop(large);
        assert_eq!(window.used(), 0);
        assert!(window.try_reserve(100).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_longer_comes_first_and_newcomers_do_not_overtake() {
        let window = Window::new(1, 100);
        let held = window.try_reserve(1).unwrap();
        let deadline = Deadline::after(Duration::from_secs(1));
        let mut first = std::pin::pin!(window.reserve(1, deadline));
        let mut second = std::pin::pin!(window.reserve(1, deadline));
        assert!(poll!(&mut first).is_pending());
        assert!(poll!(&mut second).is_pending());
        drop(held);
        assert!(window.try_reserve(1).is_none(), "the place is spoken for");
        assert!(poll!(&mut second).is_pending());
        assert!(poll!(&mut first).is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_window_is_an_error_at_the_deadline_and_a_dropped_wait_takes_nothing() {
        let window = Window::new(2, 10);
        let held = window.try_reserve(10).unwrap();
        let deadline = Deadline::after(Duration::from_secs(1));
        assert_eq!(
            window.reserve(1, deadline).await.unwrap_err(),
            NoRoom::Deadline
        );
        assert_eq!(window.used(), 1, "the slot it had taken came back");
        drop(held);
        assert_eq!(window.used(), 0);
        window.close();
        assert_eq!(
            window.reserve(1, deadline).await.unwrap_err(),
            NoRoom::Closed
        );
    }
}
