//! The consumers of one channel, and the deliveries on the way to them.

use std::sync::Arc;

use super::DeliverySink;
use super::lease::Lease;
use bytestring::ByteString;

use crate::message::{Delivery, Origin};

/// Places are stable: a message under way remembers its consumer's.
#[derive(Default)]
pub(super) struct Consumers {
    places: Vec<Consumer>,
    /// How many were cancelled so far.
    cancels: u64,
}

struct Consumer {
    origin: Arc<Origin>,
    no_ack: bool,
    /// The how manieth cancelled one it is.
    cancelled: Option<u64>,
    /// It stays when the consumer is cancelled: what it has is unsettled, and the end of the channel is told to it.
    sink: Arc<dyn DeliverySink>,
    batch: Vec<Delivery>,
}

/// Room for so many deliveries is kept from one read to the next: a thousand idle consumers must not keep a burst's.
const ROOM: usize = 8;

/// How many cancelled consumers are remembered before their places are used again.
const REMEMBERED: usize = 16;

impl Lease {
    /// What the deliveries to one consumer have in common.
    pub(super) fn origin(&self, consumer_tag: ByteString) -> Origin {
        Origin {
            consumer_tag,
            generation: self.generation,
            limits: self.limits,
        }
    }
}

impl Consumer {
    fn tag(&self) -> &[u8] {
        self.origin.consumer_tag.as_bytes()
    }
}

impl Consumers {
    pub(super) fn add(&mut self, origin: Origin, no_ack: bool, sink: Arc<dyn DeliverySink>) {
        let consumer = Consumer {
            origin: Arc::new(origin),
            no_ack,
            cancelled: None,
            sink,
            batch: Vec::new(),
        };
        // What has come for one whose place is taken now.
        self.tell();
        let cancelled = || {
            let places = self.places.iter().enumerate();
            places.filter_map(|(at, old)| Some((old.cancelled?, at, old.tag())))
        };
        let same = cancelled()
            .find(|(_, _, tag)| *tag == consumer.tag())
            .map(|(_, at, _)| at);
        // The oldest: for the newest a delivery may still be on its way.
        let free = || {
            (self.places.len() >= REMEMBERED)
                .then(|| cancelled().min().map(|(_, at, _)| at))
                .flatten()
        };
        let free = same.or_else(free);
        match free.and_then(|at| self.places.get_mut(at)) {
            Some(place) => *place = consumer,
            None => self.places.push(consumer),
        }
    }

    /// Ends a consumer, and gives its sink. From now on what the broker still sends is handed back; only without
    /// acknowledgement, where nothing can be, it is delivered all the same.
    pub(super) fn cancel(&mut self, tag: &[u8]) -> Option<Arc<dyn DeliverySink>> {
        let mut consumers = self.places.iter_mut();
        let consumer =
            consumers.find(|consumer| consumer.cancelled.is_none() && consumer.tag() == tag)?;
        self.cancels += 1;
        consumer.cancelled = Some(self.cancels);
        Some(Arc::clone(&consumer.sink))
    }

    pub(super) fn place(&self, tag: &[u8]) -> Option<usize> {
        self.places
            .iter()
            .position(|consumer| consumer.tag() == tag)
    }

    /// What a consumer's deliveries have in common, and whether it is without acknowledgement.
    pub(super) fn facts(&self, place: usize) -> Option<(Arc<Origin>, bool)> {
        let consumer = self.places.get(place)?;
        Some((Arc::clone(&consumer.origin), consumer.no_ack))
    }

    /// Keeps a delivery for the next telling. `false` when its consumer was cancelled and it can be handed back.
    pub(super) fn keep(&mut self, place: usize, delivery: Delivery) -> bool {
        let consumer = self
            .places
            .get_mut(place)
            .filter(|consumer| consumer.cancelled.is_none() || consumer.no_ack);
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
            consumer.sink.deliver(&mut consumer.batch);
            consumer.batch.clear();
            consumer.batch.shrink_to(ROOM);
        }
    }

    /// Takes the sinks, those of the cancelled included: they may have deliveries that are not settled.
    pub(super) fn take(&mut self) -> Vec<Arc<dyn DeliverySink>> {
        self.places
            .drain(..)
            .map(|consumer| consumer.sink)
            .collect()
    }
}
