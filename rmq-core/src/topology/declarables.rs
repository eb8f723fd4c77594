//! An ordered set of what a service needs on the broker.

use super::{Binding, Exchange, Queue};

/// One thing to declare.
#[derive(Clone, Debug, PartialEq)]
pub enum Declarable {
    /// An exchange.
    Exchange(Exchange),
    /// A queue.
    Queue(Queue),
    /// A binding.
    Binding(Binding),
}

impl From<Exchange> for Declarable {
    fn from(exchange: Exchange) -> Self {
        Self::Exchange(exchange)
    }
}

impl From<Queue> for Declarable {
    fn from(queue: Queue) -> Self {
        Self::Queue(queue)
    }
}

impl From<Binding> for Declarable {
    fn from(binding: Binding) -> Self {
        Self::Binding(binding)
    }
}

/// Everything that is to be declared, in the order it was said.
///
/// The same declaration from two places counts once; two different ones of one name are a
/// contradiction, found by [`check`](Self::check).
///
/// ```
/// use rmq_core::topology::{Binding, Declarables, Exchange, Queue};
///
/// let topology = Declarables::new()
///     .with(Exchange::topic("orders"))
///     .with(Queue::quorum("orders.created"))
///     .with(Binding::queue("orders.created").to("orders").with("order.created"))
///     .check()
///     .unwrap();
/// assert_eq!(topology.queues().map(Queue::name).collect::<Vec<_>>(), ["orders.created.dlq", "orders.created"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "declarables are declared once they are part of a configuration"]
pub struct Declarables {
    pub(super) exchanges: Vec<Exchange>,
    pub(super) queues: Vec<Queue>,
    pub(super) bindings: Vec<Binding>,
}

impl Declarables {
    /// Nothing to declare.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one thing.
    pub fn with(mut self, declarable: impl Into<Declarable>) -> Self {
        self.add(declarable);
        self
    }

    /// Adds one thing.
    pub fn add(&mut self, declarable: impl Into<Declarable>) {
        match declarable.into() {
            Declarable::Exchange(exchange) => self.exchanges.push(exchange),
            Declarable::Queue(queue) => self.queues.push(queue),
            Declarable::Binding(binding) => self.bindings.push(binding),
        }
    }

    /// Adds all of another set.
    pub fn append(&mut self, other: Self) {
        self.exchanges.extend(other.exchanges);
        self.queues.extend(other.queues);
        self.bindings.extend(other.bindings);
    }

    /// The exchanges in the order they were said.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// The queues in the order they were said.
    pub fn queues(&self) -> &[Queue] {
        &self.queues
    }

    /// The bindings in the order they were said.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Whether there is nothing to declare.
    pub fn is_empty(&self) -> bool {
        self.exchanges.is_empty() && self.queues.is_empty() && self.bindings.is_empty()
    }
}

impl<D: Into<Declarable>> FromIterator<D> for Declarables {
    fn from_iter<I: IntoIterator<Item = D>>(declarables: I) -> Self {
        let mut all = Self::new();
        all.extend(declarables);
        all
    }
}

impl<D: Into<Declarable>> Extend<D> for Declarables {
    fn extend<I: IntoIterator<Item = D>>(&mut self, declarables: I) {
        for declarable in declarables {
            self.add(declarable);
        }
    }
}
