//! A message as it lies in queues.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::wire::content::{Edit, Properties, rewrite};
use crate::wire::table::TableWriter;

/// A published message. Queues share it by reference count.
pub(crate) struct Message {
    /// The exchange it was published to, or dead-lettered to.
    pub(crate) exchange: Arc<str>,
    pub(crate) routing_key: Box<str>,
    /// Property flags and values as the client sent them, then the body.
    content: Box<[u8]>,
    properties_length: u32,
    pub(crate) persistent: bool,
    pub(crate) priority: u8,
    /// From the expiration property.
    pub(crate) ttl_ms: Option<u64>,
    gauge: Gauge,
}

/// Bytes a message is counted with besides its own, when queue memory is summed.
pub(crate) const MESSAGE_OVERHEAD: usize = 160;

impl Message {
    /// A message from a content whose properties were found well formed.
    pub(crate) fn new(
        exchange: Arc<str>,
        routing_key: Box<str>,
        content: Vec<u8>,
        properties_length: u32,
        properties: MessageFacts,
        gauge: Gauge,
    ) -> Self {
        let MessageFacts {
            persistent,
            priority,
            ttl_ms,
        } = properties;
        let message = Self {
            exchange,
            routing_key,
            content: content.into_boxed_slice(),
            properties_length,
            persistent,
            priority,
            ttl_ms,
            gauge,
        };
        message
            .gauge
            .0
            .fetch_add(message.footprint(), Ordering::Relaxed);
        message
    }

    /// The message-id property, for the record.
    pub(crate) fn id(&self) -> Option<Arc<str>> {
        let id = self.properties().message_id?;
        Some(Arc::from(&*String::from_utf8_lossy(id)))
    }

    pub(crate) fn property_bytes(&self) -> &[u8] {
        self.content
            .get(..self.properties_length as usize)
            .unwrap_or_default()
    }

    pub(crate) fn body(&self) -> &[u8] {
        self.content
            .get(self.properties_length as usize..)
            .unwrap_or_default()
    }

    pub(crate) fn properties(&self) -> Properties<'_> {
        // Scanned once already when it was published.
        Properties::scan(self.property_bytes()).unwrap_or_default()
    }

    /// The properties with `x-delivery-count` among the headers.
    pub(crate) fn with_count(&self, returns: u32) -> Option<Vec<u8>> {
        let mut headers = TableWriter::default();
        for entry in self.properties().headers.unwrap_or_default().entries() {
            let (key, value) = entry.ok()?;
            if key != b"x-delivery-count" {
                headers.raw(key, value);
            }
        }
        headers.long("x-delivery-count", i64::from(returns));
        let mut out = Vec::new();
        let edit = Edit {
            headers: Some(&headers.0),
            ..Edit::default()
        };
        rewrite(self.property_bytes(), &edit, &mut out).ok()?;
        Some(out)
    }

    /// Bytes this message counts with against the memory bound.
    pub(crate) fn footprint(&self) -> usize {
        self.content.len() + self.routing_key.len() + MESSAGE_OVERHEAD
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        self.gauge.0.fetch_sub(self.footprint(), Ordering::Relaxed);
    }
}

/// Ids and lengths, never a payload.
impl fmt::Debug for Message {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Message")
            .field("exchange", &self.exchange)
            .field("routing_key", &self.routing_key)
            .field("body_bytes", &self.body().len())
            .finish_non_exhaustive()
    }
}

/// Sums the footprint of all messages alive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauge(Arc<AtomicUsize>);

impl Gauge {
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Bytes of a publish under way, counted as long as it lives.
#[derive(Debug)]
pub(crate) struct Charge {
    gauge: Gauge,
    bytes: usize,
}

impl Charge {
    pub(crate) fn new(gauge: Gauge) -> Self {
        Self { gauge, bytes: 0 }
    }

    pub(crate) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.gauge.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.gauge.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What of the properties is kept ready for use.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MessageFacts {
    pub(crate) persistent: bool,
    pub(crate) priority: u8,
    pub(crate) ttl_ms: Option<u64>,
}

impl Entry {
    /// A message that never was delivered and never expires.
    pub(crate) fn new(message: Arc<Message>, position: u64) -> Self {
        Self {
            message,
            position,
            expires_at: None,
            returns: 0,
            redelivered: false,
        }
    }
}

/// A message in one queue.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) message: Arc<Message>,
    /// Its place in the queue: a message that comes back goes where it was.
    pub(crate) position: u64,
    /// Milliseconds on the broker's clock.
    pub(crate) expires_at: Option<u64>,
    /// How often it came back; a quorum queue tells and limits it.
    pub(crate) returns: u32,
    pub(crate) redelivered: bool,
}
