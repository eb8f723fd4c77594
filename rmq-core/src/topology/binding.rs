//! Bindings.

use std::fmt;

use super::Arguments;
use super::place::caller;
use crate::error::Place;
use crate::message::Value;

/// What a binding leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Destination {
    /// A queue, by name.
    Queue(String),
    /// Another exchange, by name.
    Exchange(String),
}

impl Destination {
    /// The name of the queue or exchange.
    pub fn name(&self) -> &str {
        match self {
            Self::Queue(name) | Self::Exchange(name) => name,
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(name) => write!(f, "queue `{name}`"),
            Self::Exchange(name) => write!(f, "exchange `{name}`"),
        }
    }
}

/// A route from an exchange to a queue or to another exchange.
///
/// ```
/// use rmq_core::topology::Binding;
///
/// let created = Binding::queue("orders.created").to("orders").with("order.created");
/// ```
#[derive(Clone, Debug)]
#[must_use = "a binding is declared once it is part of `Declarables`"]
pub struct Binding {
    pub(super) source: String,
    pub(super) destination: Destination,
    pub(super) routing_key: Option<String>,
    pub(super) arguments: Arguments,
    pub(super) place: Place,
}

impl Binding {
    /// Binds a queue; say to which exchange with [`to`](Self::to).
    #[track_caller]
    pub fn queue(name: impl Into<String>) -> Self {
        Self::new(Destination::Queue(name.into()))
    }

    /// Binds an exchange as the destination; say to which source with [`to`](Self::to).
    #[track_caller]
    pub fn exchange(name: impl Into<String>) -> Self {
        Self::new(Destination::Exchange(name.into()))
    }

    #[track_caller]
    fn new(destination: Destination) -> Self {
        Self {
            source: String::new(),
            destination,
            routing_key: None,
            arguments: Arguments::new(),
            place: caller(),
        }
    }

    /// The exchange the messages come from.
    pub fn to(mut self, exchange: impl Into<String>) -> Self {
        self.source = exchange.into();
        self
    }

    /// The routing key, or the pattern for a topic exchange. A direct or topic exchange needs one;
    /// say `""` to bind with the empty key.
    pub fn with(mut self, routing_key: impl Into<String>) -> Self {
        self.routing_key = Some(routing_key.into());
        self
    }

    /// For a headers exchange: a header to match.
    pub fn argument(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.arguments.insert(name, value);
        self
    }

    /// Says where it was written. Constructors take their caller's place.
    pub fn declared_at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// The exchange the messages come from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it leads to.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// The routing key as it is sent.
    pub fn routing_key(&self) -> &str {
        self.routing_key.as_deref().unwrap_or_default()
    }

    /// Its arguments.
    pub fn arguments(&self) -> &Arguments {
        &self.arguments
    }

    /// Where it was written.
    pub fn place(&self) -> &Place {
        &self.place
    }
}

impl PartialEq for Binding {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
            && self.destination == other.destination
            && self.routing_key() == other.routing_key()
            && self.arguments == other.arguments
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "binding of {} to exchange `{}`",
            self.destination, self.source
        )?;
        write!(f, " with key `{}`", self.routing_key())
    }
}
