//! Exchanges.

use std::fmt;

use super::Arguments;
use super::place::caller;
use crate::error::Place;
use crate::message::Value;

/// How an exchange routes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ExchangeType {
    /// To the queues bound with exactly the message's routing key.
    Direct,
    /// To the queues whose binding pattern (`*` one word, `#` any number) matches the routing key.
    Topic,
    /// To every bound queue.
    Fanout,
    /// By the message's headers.
    Headers,
    /// A type that a broker plugin brings; its name begins with `x-`.
    Custom(String),
}

impl ExchangeType {
    /// The name on the wire and in `rabbit.yml`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Direct => "direct",
            Self::Topic => "topic",
            Self::Fanout => "fanout",
            Self::Headers => "headers",
            Self::Custom(name) => name,
        }
    }

    /// The type of that name; a name the broker does not define is a plugin's.
    pub fn from_name(name: &str) -> Self {
        match name {
            "direct" => Self::Direct,
            "topic" => Self::Topic,
            "fanout" => Self::Fanout,
            "headers" => Self::Headers,
            other => Self::Custom(other.to_owned()),
        }
    }
}

impl fmt::Display for ExchangeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An exchange to declare. Durable, not deleted by itself and open to publishers, unless said
/// otherwise.
///
/// ```
/// use rmq_core::topology::Exchange;
///
/// let orders = Exchange::topic("orders").alternate("orders.unrouted");
/// ```
#[derive(Clone, Debug)]
#[must_use = "an exchange is declared once it is part of `Declarables`"]
pub struct Exchange {
    pub(super) name: String,
    pub(super) kind: ExchangeType,
    pub(super) durable: bool,
    pub(super) auto_delete: bool,
    pub(super) internal: bool,
    pub(super) alternate: Option<String>,
    pub(super) raw: Arguments,
    pub(super) place: Place,
}

impl Exchange {
    /// The argument that names the alternate exchange.
    pub(super) const ALTERNATE: &'static str = "alternate-exchange";

    /// An exchange of the given type.
    #[track_caller]
    pub fn new(name: impl Into<String>, kind: ExchangeType) -> Self {
        Self {
            name: name.into(),
            kind,
            durable: true,
            auto_delete: false,
            internal: false,
            alternate: None,
            raw: Arguments::new(),
            place: caller(),
        }
    }

    /// A direct exchange.
    #[track_caller]
    pub fn direct(name: impl Into<String>) -> Self {
        Self::new(name, ExchangeType::Direct)
    }

    /// A topic exchange.
    #[track_caller]
    pub fn topic(name: impl Into<String>) -> Self {
        Self::new(name, ExchangeType::Topic)
    }

    /// A fanout exchange.
    #[track_caller]
    pub fn fanout(name: impl Into<String>) -> Self {
        Self::new(name, ExchangeType::Fanout)
    }

    /// A headers exchange.
    #[track_caller]
    pub fn headers(name: impl Into<String>) -> Self {
        Self::new(name, ExchangeType::Headers)
    }

    /// An exchange of a type that a broker plugin brings, such as `x-consistent-hash`.
    #[track_caller]
    pub fn custom(name: impl Into<String>, kind: impl AsRef<str>) -> Self {
        Self::new(name, ExchangeType::from_name(kind.as_ref()))
    }

    /// Whether it survives a restart of the broker. Default: yes.
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// It does not survive a restart of the broker.
    pub fn transient(self) -> Self {
        self.durable(false)
    }

    /// The broker deletes it when its last binding goes. Default: no.
    pub fn auto_delete(mut self, auto_delete: bool) -> Self {
        self.auto_delete = auto_delete;
        self
    }

    /// Only other exchanges may publish to it. Default: no.
    pub fn internal(mut self, internal: bool) -> Self {
        self.internal = internal;
        self
    }

    /// The exchange that gets what this one cannot route.
    pub fn alternate(mut self, exchange: impl Into<String>) -> Self {
        self.alternate = Some(exchange.into());
        self
    }

    /// An argument by its name on the wire.
    pub fn argument(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.raw.insert(name, value);
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
    pub fn kind(&self) -> &ExchangeType {
        &self.kind
    }

    /// Whether it survives a restart of the broker.
    pub fn is_durable(&self) -> bool {
        self.durable
    }

    /// Whether the broker deletes it when its last binding goes.
    pub fn is_auto_delete(&self) -> bool {
        self.auto_delete
    }

    /// Whether only other exchanges may publish to it.
    pub fn is_internal(&self) -> bool {
        self.internal
    }

    /// Where it was written.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// All arguments as they are sent.
    pub fn arguments(&self) -> Arguments {
        let mut all = self.raw.clone();
        if let Some(alternate) = &self.alternate {
            all.insert(Self::ALTERNATE, alternate.clone());
        }
        all
    }
}

impl PartialEq for Exchange {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.kind == other.kind
            && self.durable == other.durable
            && self.auto_delete == other.auto_delete
            && self.internal == other.internal
            && self.arguments() == other.arguments()
    }
}
