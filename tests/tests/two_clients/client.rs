//! What the tests ask of a client, whichever it is.

use std::fmt::Debug;

/// How a queue is to be declared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) durable: bool,
    pub(crate) exclusive: bool,
    /// At most so many messages, and what comes above is refused.
    pub(crate) room: Option<i32>,
    /// The queue that takes the dead letters.
    pub(crate) dead_letters: Option<String>,
}

/// What the client was told about a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Acked,
    Nacked,
    Returned,
}

/// A message that came.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) tag: u64,
    pub(crate) redelivered: bool,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Messages of one consumer, in order.
pub(crate) trait Feed {
    async fn next(&mut self) -> Got;
}

/// One connection with one channel in confirm mode. What goes wrong in an unforeseen way panics.
pub(crate) trait Client: Sized + Debug {
    type Feed: Feed;

    async fn open(host: &str, port: u16) -> Self;
    /// The messages that it holds, or the code of the refusal.
    async fn declare(&self, spec: &Spec) -> Result<u32, u16>;
    /// The messages that it holds, or the code of the refusal.
    async fn look(&self, queue: &str) -> Result<u32, u16>;
    async fn exchange(&self, name: &str, kind: &str);
    async fn bind(&self, queue: &str, exchange: &str, key: &str);
    async fn unbind(&self, queue: &str, exchange: &str, key: &str);
    async fn publish(&self, exchange: &str, key: &str, body: &[u8]) -> Verdict;
    async fn get(&self, queue: &str) -> Option<Got>;
    async fn consume(&self, queue: &str, prefetch: u16) -> Self::Feed;
    async fn ack(&self, tag: u64);
    async fn reject(&self, tag: u64, requeue: bool);
    async fn purge(&self, queue: &str) -> u32;
    async fn delete(&self, queue: &str) -> u32;
    async fn close(self);
}
