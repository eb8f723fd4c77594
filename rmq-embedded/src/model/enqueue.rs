//! A message enters a queue, or is refused by it.

use std::sync::Arc;

use super::ids::QueueId;
use super::message::{Entry, Message};
use super::queue_options::Overflow;
use super::state::State;

impl State {
    /// Stores a message in a queue; false where the queue is full and refuses it.
    pub(crate) fn enqueue(&mut self, id: QueueId, message: &Arc<Message>) -> bool {
        let now = self.now();
        let Some(queue) = self.queues.get_mut(&id) else {
            return true;
        };
        let body = message.body().len();
        let full = |max: Option<usize>, after: usize| max.is_some_and(|max| after > max);
        let options = &queue.options;
        if options.overflow != Overflow::DropHead
            && (full(options.max_length, queue.ready.len() + 1)
                || full(options.max_bytes, queue.ready.body_bytes() + body))
        {
            if options.overflow == Overflow::RejectPublishDlx {
                self.discard(id, Entry::new(message.clone(), 0), "maxlen");
            }
            return false;
        }
        let ttl = match (message.ttl_ms, options.message_ttl) {
            (Some(own), Some(common)) => Some(own.min(common)),
            (own, common) => own.or(common),
        };
        queue.has_expiring |= ttl.is_some();
        let entry = Entry {
            expires_at: ttl.map(|ttl| now.saturating_add(ttl)),
            ..Entry::new(message.clone(), queue.next_position())
        };
        queue.ready.push(entry);
        true
    }
}
