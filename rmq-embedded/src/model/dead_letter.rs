//! Dead lettering.

use super::ids::QueueId;
use super::message::Entry;
use super::state::State;

impl State {
    /// A message leaves a queue without having been consumed.
    pub(crate) fn discard(&mut self, _queue: QueueId, _entry: Entry, _reason: &'static str) {}
}
