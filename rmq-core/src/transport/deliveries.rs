//! The consumers of one channel, and the deliveries on the way to them.

use std::sync::Arc;

use bytestring::ByteString;

use crate::message::Delivery;
use crate::name::Name;

use super::DeliverySink;

/// Places are stable: a message under way remembers its consumer's.
#[derive(Default)]
pub(super) struct Consumers {
    places: Vec<Consumer>,
}

struct Consumer {
    tag: ByteString,
    no_ack: bool,
    /// `None` when it was cancelled; what the broker still sends is handed back.
    sink: Option<Arc<dyn DeliverySink>>,
    batch: Vec<Delivery>,
}

/// How many cancelled consumers are remembered before their places are used again.
const REMEMBERED: usize = 16;

impl Consumers {
    pub(super) fn add(&mut self, tag: &Name, no_ack: bool, sink: Arc<dyn DeliverySink>) {
        let consumer = Consumer {
            tag: tag.clone().into_inner(),
            no_ack,
            sink: Some(sink),
            batch: Vec::new(),
        };
        let same = self
            .places
            .iter()
            .position(|old| old.sink.is_none() && old.tag == consumer.tag);
        let free = || {
            (self.places.len() >= REMEMBERED)
                .then(|| self.places.iter().position(|old| old.sink.is_none()))
                .flatten()
        };
        let free = same.or_else(free);
        match free.and_then(|at| self.places.get_mut(at)) {
            Some(place) => *place = consumer,
            None => self.places.push(consumer),
        }
    }

    /// Takes a consumer's sink: nothing more is delivered to it.
    pub(super) fn cancel(&mut self, tag: &[u8]) -> Option<Arc<dyn DeliverySink>> {
        let mut consumers = self.places.iter_mut();
        consumers
            .find(|consumer| consumer.sink.is_some() && consumer.tag.as_bytes() == tag)?
            .sink
            .take()
    }

    pub(super) fn place(&self, tag: &[u8]) -> Option<usize> {
        self.places
            .iter()
            .position(|consumer| consumer.tag.as_bytes() == tag)
    }

    /// A consumer's tag, and whether it is without acknowledgement.
    pub(super) fn facts(&self, place: usize) -> Option<(ByteString, bool)> {
        let consumer = self.places.get(place)?;
        Some((consumer.tag.clone(), consumer.no_ack))
    }

    /// Keeps a delivery for the next telling. `false` when its consumer was cancelled.
    pub(super) fn keep(&mut self, place: usize, delivery: Delivery) -> bool {
        let consumer = self
            .places
            .get_mut(place)
            .filter(|consumer| consumer.sink.is_some());
        let Some(consumer) = consumer else {
            return false;
        };
        consumer.batch.push(delivery);
        true
    }

    /// Tells the sinks.
    pub(super) fn tell(&mut self) {
        for consumer in &mut self.places {
            if consumer.batch.is_empty() {
                continue;
            }
            if let Some(sink) = &consumer.sink {
                sink.deliver(&mut consumer.batch);
            }
            consumer.batch.clear();
        }
    }

    /// Takes all sinks.
    pub(super) fn take(&mut self) -> Vec<Arc<dyn DeliverySink>> {
        self.places
            .drain(..)
            .filter_map(|consumer| consumer.sink)
            .collect()
    }
}
