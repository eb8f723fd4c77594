//! A checked topology and the order in which it is declared.

use std::collections::BTreeSet;

use super::route::{first_step, reach};
use super::{
    Binding, DeadLetter, DeadLetterRoute, DeadLetterStrategy, Destination, Exchange, KnownRoute,
    Queue,
};

/// One step of declaring a [`Topology`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Declaration<'t> {
    /// Declare this exchange.
    Exchange(&'t Exchange),
    /// Declare this queue.
    Queue(&'t Queue),
    /// Bind.
    Binding(&'t Binding),
}

/// A set of declarations without duplicates or contradictions, dead-letter queues included.
/// [`Declarables::check`](super::Declarables::check) makes one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topology {
    pub(super) exchanges: Vec<Exchange>,
    /// In the order of declaring: a dead-letter queue stands before the queues it serves.
    pub(super) queues: Vec<Queue>,
    pub(super) bindings: Vec<Binding>,
    /// How many of `queues` receive dead letters; they stand first.
    pub(super) dead_letter_queues: usize,
}

impl Topology {
    /// The exchanges.
    pub fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.exchanges.iter()
    }

    /// The queues, dead-letter queues first.
    pub fn queues(&self) -> impl Iterator<Item = &Queue> {
        self.queues.iter()
    }

    /// The bindings.
    pub fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.iter()
    }

    /// The queue of that name, if it is declared here.
    pub fn queue(&self, name: &str) -> Option<&Queue> {
        self.queues.iter().find(|queue| queue.name == name)
    }

    /// Whether there is nothing to declare.
    pub fn is_empty(&self) -> bool {
        self.exchanges.is_empty() && self.queues.is_empty() && self.bindings.is_empty()
    }

    /// The steps one by one, in the order of [`Topology::layers`].
    pub fn declarations(&self) -> Vec<Declaration<'_>> {
        self.layers().concat()
    }

    /// The steps in the order they are sent: exchanges, dead-letter queues, the bindings that lead
    /// to them, the other queues, the other bindings. So a queue never stands without its
    /// dead-letter route, and a route to it never without the queue. The steps of one layer do not depend on each other.
    pub fn layers(&self) -> Vec<Vec<Declaration<'_>>> {
        let (dead_letter_queues, queues) = self.queues.split_at(self.dead_letter_queues);
        let (early, late): (Vec<_>, Vec<_>) = self
            .bindings
            .iter()
            .partition(|binding| leads_to(binding, dead_letter_queues));
        vec![
            self.exchanges.iter().map(Declaration::Exchange).collect(),
            dead_letter_queues.iter().map(Declaration::Queue).collect(),
            early.into_iter().map(Declaration::Binding).collect(),
            queues.iter().map(Declaration::Queue).collect(),
            late.into_iter().map(Declaration::Binding).collect(),
        ]
    }

    /// Where the dead letters of a queue end, as far as this topology knows.
    pub fn dead_letter_route(&self, queue: &str) -> DeadLetterRoute {
        let Some(queue) = self.queue(queue) else {
            return DeadLetterRoute::Unknown;
        };
        let dead_letter = queue.resolved_dead_letter();
        match (&dead_letter, first_step(&dead_letter)) {
            (DeadLetter::Policy, _) => DeadLetterRoute::Policy,
            (DeadLetter::External, _) => DeadLetterRoute::External,
            (_, None) => DeadLetterRoute::None {
                said: queue.dead_letter == DeadLetter::None,
            },
            (_, Some((exchange, key))) => self.follow(queue, exchange, key),
        }
    }

    fn follow(&self, queue: &Queue, exchange: &str, key: Option<&str>) -> DeadLetterRoute {
        let key_kept = key.map(str::to_owned);
        let queues = self.dead_letter_targets(exchange, key);
        if queues.is_empty() {
            return DeadLetterRoute::Unknown;
        }
        DeadLetterRoute::Known(KnownRoute {
            exchange: exchange.to_owned(),
            routing_key: key_kept,
            queues: queues.into_iter().collect(),
            strategy: queue.strategy().unwrap_or(DeadLetterStrategy::AtMostOnce),
        })
    }

    fn dead_letter_targets(&self, exchange: &str, key: Option<&str>) -> BTreeSet<String> {
        match (exchange, key) {
            ("", Some(queue)) => self
                .queue(queue)
                .map(|queue| queue.name.clone())
                .into_iter()
                .collect(),
            ("", None) => BTreeSet::new(),
            (exchange, key) => reach(&self.exchanges, &self.bindings, exchange, key),
        }
    }
}

/// Whether a binding leads to one of these queues, or on to another exchange.
fn leads_to(binding: &Binding, queues: &[Queue]) -> bool {
    match &binding.destination {
        Destination::Queue(name) => queues.iter().any(|queue| queue.name == *name),
        // All exchanges stand by then; binding them early is harmless and may be part of a route.
        Destination::Exchange(_) => !queues.is_empty(),
    }
}
