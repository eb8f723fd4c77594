//! Queues.

use std::fmt;
use std::time::Duration;

use super::place::caller;
use super::queue_arguments::TypedArguments;
use super::{Arguments, DeadLetter, DeadLetterStrategy, LeaderLocator, Overflow};
use crate::error::Place;
use crate::message::Value;

/// How a queue keeps its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QueueType {
    /// On several nodes, by agreement. Our default.
    Quorum,
    /// On one node.
    Classic,
    /// A log that is read without taking messages out.
    Stream,
}

impl QueueType {
    /// The value of `x-queue-type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quorum => "quorum",
            Self::Classic => "classic",
            Self::Stream => "stream",
        }
    }
}

impl fmt::Display for QueueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A queue to declare: durable, quorum, with a delivery limit of 20 and a dead-letter queue
/// `<name>.dlq` that gets its messages at least once, unless it says otherwise.
///
/// ```
/// use rmq_core::topology::{DeadLetter, Queue};
/// use std::time::Duration;
///
/// let orders = Queue::quorum("orders.created").dead_letter("orders.dead");
/// let updates = Queue::classic("updates")
///     .ttl(Duration::from_secs(60))
///     .dead_letter(DeadLetter::None);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a queue is declared once it is part of `Declarables`"]
pub struct Queue {
    pub(super) name: String,
    pub(super) kind: QueueType,
    pub(super) durable: bool,
    pub(super) exclusive: bool,
    pub(super) auto_delete: bool,
    pub(super) dead_letter: DeadLetter,
    pub(super) typed: TypedArguments,
    pub(super) raw: Arguments,
    pub(super) place: Place,
    /// Not written by anybody: it follows from another queue.
    pub(super) derived: bool,
    /// It receives dead letters, and so has by default no dead-letter queue of its own.
    pub(super) receives_dead_letters: bool,
}

impl Queue {
    /// A queue of our default type, quorum.
    #[track_caller]
    pub fn named(name: impl Into<String>) -> Self {
        Self::quorum(name)
    }

    /// A quorum queue.
    #[track_caller]
    pub fn quorum(name: impl Into<String>) -> Self {
        Self::new(name, QueueType::Quorum)
    }

    /// A classic queue: one node keeps it, and dead-lettering is at most once.
    #[track_caller]
    pub fn classic(name: impl Into<String>) -> Self {
        Self::new(name, QueueType::Classic)
    }

    /// A stream. It has no dead-letter exchange.
    #[track_caller]
    pub fn stream(name: impl Into<String>) -> Self {
        Self::new(name, QueueType::Stream)
    }

    /// A queue of the given type.
    #[track_caller]
    pub fn new(name: impl Into<String>, kind: QueueType) -> Self {
        Self {
            name: name.into(),
            kind,
            durable: true,
            exclusive: false,
            auto_delete: false,
            dead_letter: DeadLetter::Default,
            typed: TypedArguments::default(),
            raw: Arguments::new(),
            place: caller(),
            derived: false,
            receives_dead_letters: false,
        }
    }

    /// The dead-letter queue that follows from `owner`.
    pub(super) fn derived_for(name: String, owner: &Self) -> Self {
        let mut queue = Self::quorum(name).declared_at(owner.place.clone());
        queue.derived = true;
        queue.receives_dead_letters = true;
        queue
    }

    /// Whether it survives a restart of the broker. Default: yes.
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// It does not survive a restart of the broker. Classic only, and RabbitMQ 4.3 takes it only
    /// together with [`exclusive`](Self::exclusive).
    pub fn transient(self) -> Self {
        self.durable(false)
    }

    /// It belongs to the connection that consumes it, which declares it, and goes with that connection. Listeners with
    /// and without acknowledgements have different connections, so that not both can consume it. Classic only.
    pub fn exclusive(mut self, exclusive: bool) -> Self {
        self.exclusive = exclusive;
        self
    }

    /// The broker deletes it when its last consumer goes. Classic only.
    pub fn auto_delete(mut self, auto_delete: bool) -> Self {
        self.auto_delete = auto_delete;
        self
    }

    /// Where rejected, expired and too often delivered messages go: the name of a queue, or
    /// `"none"`, `"policy"`, `"external"`, or a [`DeadLetter`]. Default: `<name>.dlq`.
    pub fn dead_letter(mut self, to: impl Into<DeadLetter>) -> Self {
        self.dead_letter = to.into();
        self
    }

    /// How dead letters are handed over. Default: at least once for quorum queues.
    pub fn dead_letter_strategy(mut self, strategy: DeadLetterStrategy) -> Self {
        self.typed.strategy = Some(strategy);
        self
    }

    /// How long a message may wait (`x-message-ttl`). Unit on the wire: ms. Default: for ever.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.typed.ttl = Some(ttl);
        self
    }

    /// How long the queue may be unused before the broker deletes it (`x-expires`). Default: never.
    pub fn expires(mut self, after: Duration) -> Self {
        self.typed.expires = Some(after);
        self
    }

    /// The most messages it holds (`x-max-length`). Default: no limit.
    pub fn max_length(mut self, messages: u64) -> Self {
        self.typed.max_length = Some(messages);
        self
    }

    /// The most body bytes it holds (`x-max-length-bytes`). Default: no limit.
    pub fn max_length_bytes(mut self, bytes: u64) -> Self {
        self.typed.max_length_bytes = Some(bytes);
        self
    }

    /// What a full queue does. Default: `reject-publish`, so that a publisher learns of it.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.typed.overflow = Some(overflow);
        self
    }

    /// How often a message may come back to the queue before it is dead-lettered
    /// (`x-delivery-limit`). Quorum only. Default: 20, or unlimited where the queue has no
    /// dead-letter route, since the broker would delete the message.
    pub fn delivery_limit(mut self, deliveries: u32) -> Self {
        self.typed.delivery_limit = Some(deliveries);
        self
    }

    /// Only one consumer at a time gets messages (`x-single-active-consumer`). Default: no.
    pub fn single_active(mut self, single_active: bool) -> Self {
        self.typed.single_active = single_active;
        self
    }

    /// The highest message priority (`x-max-priority`), 1 to 255. Classic only. Default: none.
    pub fn max_priority(mut self, priority: u8) -> Self {
        self.typed.max_priority = Some(priority);
        self
    }

    /// On how many nodes the queue starts. Quorum and stream. Default: the broker's.
    pub fn initial_group_size(mut self, nodes: u32) -> Self {
        self.typed.initial_group_size = Some(nodes);
        self
    }

    /// How long a consumer may keep a delivery (`x-consumer-timeout`). Default: the broker's.
    pub fn consumer_timeout(mut self, timeout: Duration) -> Self {
        self.typed.consumer_timeout = Some(timeout);
        self
    }

    /// Where its first leader is placed. Default: the broker's.
    pub fn leader_locator(mut self, locator: LeaderLocator) -> Self {
        self.typed.leader_locator = Some(locator);
        self
    }

    /// How old a stream's messages get (`x-max-age`). Stream only. Default: no limit.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.typed.max_age = Some(age);
        self
    }

    /// An argument by its name on the wire. One that contradicts a typed argument is a fault.
    pub fn argument(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.raw.insert(name, value);
        self
    }

    /// The same queue under another name.
    pub fn renamed(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Says where it was written. Constructors take their caller's place.
    pub fn declared_at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub fn kind(&self) -> QueueType {
        self.kind
    }

    /// Whether it survives a restart of the broker.
    pub fn is_durable(&self) -> bool {
        self.durable
    }

    /// Whether it belongs to one connection.
    pub fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    /// Whether the broker deletes it when its last consumer goes.
    pub fn is_auto_delete(&self) -> bool {
        self.auto_delete
    }

    /// Whether only one consumer at a time gets messages.
    pub fn is_single_active(&self) -> bool {
        self.typed.single_active
            || self.raw.get("x-single-active-consumer") == Some(&Value::from(true))
    }

    /// Whether it was not written by anybody, but follows from another queue.
    pub fn is_derived(&self) -> bool {
        self.derived
    }

    /// Whether it receives the dead letters of another queue of its topology.
    pub fn receives_dead_letters(&self) -> bool {
        self.receives_dead_letters
    }

    /// Where it was written.
    pub fn place(&self) -> &Place {
        &self.place
    }
}

impl PartialEq for Queue {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.durable == other.durable
            && self.exclusive == other.exclusive
            && self.auto_delete == other.auto_delete
            && self.arguments() == other.arguments()
            && self.resolved_dead_letter() == other.resolved_dead_letter()
    }
}
