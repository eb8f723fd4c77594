//! One task per connection between the bytes and the broker: reads, writes, heartbeats, ends.

pub(crate) mod listener;
pub(crate) mod outbox;
pub(crate) mod pump;
