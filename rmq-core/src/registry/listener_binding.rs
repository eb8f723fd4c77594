use super::Source;
use crate::topology::{Binding, DeadLetter, Declarables, Exchange, ExchangeType, Queue, QueueType};

/// One `binding(...)` of a listener's attribute: a queue and an exchange to declare, and the keys that join them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenerBinding {
    queue: &'static str,
    queue_type: &'static str,
    exchange: &'static str,
    exchange_type: &'static str,
    routing_keys: &'static [&'static str],
}

impl ListenerBinding {
    /// A binding of a quorum queue to a direct exchange, without a key.
    #[must_use]
    pub const fn new(queue: &'static str, exchange: &'static str) -> Self {
        Self {
            queue,
            queue_type: "quorum",
            exchange,
            exchange_type: "direct",
            routing_keys: &[],
        }
    }

    /// With a queue of this type: `quorum`, `classic` or `stream`.
    #[must_use]
    pub const fn queue_type(mut self, queue_type: &'static str) -> Self {
        self.queue_type = queue_type;
        self
    }

    /// With an exchange of this type.
    #[must_use]
    pub const fn exchange_type(mut self, exchange_type: &'static str) -> Self {
        self.exchange_type = exchange_type;
        self
    }

    /// With one binding for each of these keys.
    #[must_use]
    pub const fn routing_keys(mut self, routing_keys: &'static [&'static str]) -> Self {
        self.routing_keys = routing_keys;
        self
    }

    /// The queue's name.
    #[must_use]
    pub const fn queue(&self) -> &'static str {
        self.queue
    }

    pub(super) fn declare(
        &self,
        source: &Source,
        dead_letter: Option<&'static str>,
        into: &mut Declarables,
    ) {
        let kind = match self.queue_type {
            "classic" => QueueType::Classic,
            "stream" => QueueType::Stream,
            _ => QueueType::Quorum,
        };
        let mut queue = Queue::new(self.queue, kind).declared_at(source.place());
        if let Some(dead_letter) = dead_letter {
            queue = queue.dead_letter(DeadLetter::from_name(dead_letter));
        }
        into.add(queue);
        let kind = ExchangeType::from_name(self.exchange_type);
        into.add(Exchange::new(self.exchange, kind).declared_at(source.place()));
        let binding = || {
            Binding::queue(self.queue)
                .to(self.exchange)
                .declared_at(source.place())
        };
        match self.routing_keys {
            [] => into.add(binding()),
            keys => into.extend(keys.iter().map(|key| binding().with(*key))),
        }
    }
}
