//! Time and length limits: message TTL, `x-expires`, `x-max-length`, `x-max-length-bytes`.

use super::ids::QueueId;
use super::queue_options::Overflow;
use super::state::State;
use super::timers::Due;

impl State {
    /// Discards what expired at the head of a queue up to the millisecond `until`, and sets the next timer.
    ///
    /// As in RabbitMQ only heads expire: a message behind a longer-lived one waits for it.
    pub(crate) fn expire_messages(&mut self, id: QueueId, until: u64) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        if !queue.has_expiring {
            return;
        }
        while let Some(entry) = queue.ready.pop_expired(until) {
            self.discarded.push_back((id, entry, "expired"));
        }
        let next = queue.ready.next_expiry();
        queue.has_expiring = queue.ready.len() > 0;
        if let Some(next) = next
            && queue.head_timer.is_none_or(|set| next < set)
        {
            queue.head_timer = Some(next);
            self.timers.set(next, Due::Messages(id));
        }
    }

    pub(crate) fn head_timer_fired(&mut self, id: QueueId) {
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.head_timer = None;
        }
        self.expire_messages(id, self.now());
    }

    /// Drops the oldest messages of a queue that has more than its arguments allow.
    pub(crate) fn drop_overflow(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        let options = &queue.options;
        if options.overflow != Overflow::DropHead {
            return;
        }
        let (length, bytes) = (options.max_length, options.max_bytes);
        while length.is_some_and(|max| queue.ready.len() > max)
            || bytes.is_some_and(|max| queue.ready.body_bytes() > max)
        {
            let Some(entry) = queue.ready.pop() else {
                return;
            };
            self.discarded.push_back((id, entry, "maxlen"));
        }
    }

    /// Starts the `x-expires` time of a queue that has one.
    pub(crate) fn watch_unused(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get(&id) else {
            return;
        };
        if let Some(expires) = queue.options.expires {
            self.timers
                .set(queue.last_used.saturating_add(expires), Due::Queue(id));
        }
    }

    pub(crate) fn delete_if_unused(&mut self, id: QueueId) {
        let now = self.now();
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        let Some(expires) = queue.options.expires else {
            return;
        };
        if !queue.consumers.is_empty() {
            queue.last_used = now;
        }
        if now >= queue.last_used.saturating_add(expires) {
            self.delete_queue(id);
        } else {
            self.watch_unused(id);
        }
    }
}
