//! Exchanges.

use std::fmt;
use std::sync::Arc;

use amq_protocol::types::FieldTable;

use super::arguments;
use super::bindings::Bindings;

/// How an exchange chooses among its bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Direct,
    Fanout,
    Topic,
    Headers,
}

impl Kind {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "direct" => Some(Self::Direct),
            "fanout" => Some(Self::Fanout),
            "topic" => Some(Self::Topic),
            "headers" => Some(Self::Headers),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Direct => "direct",
            Self::Fanout => "fanout",
            Self::Topic => "topic",
            Self::Headers => "headers",
        })
    }
}

/// A declared exchange; the default one is not among them.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) name: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) durable: bool,
    pub(crate) auto_delete: bool,
    pub(crate) internal: bool,
    pub(crate) arguments: FieldTable,
    /// Takes what no binding took.
    pub(crate) alternate: Option<Arc<str>>,
    pub(crate) bindings: Bindings,
}

impl Exchange {
    /// An exchange without bindings.
    pub(crate) fn new(name: Arc<str>, kind: Kind, durable: bool, arguments: FieldTable) -> Self {
        let alternate = arguments::lookup(&arguments, "alternate-exchange")
            .and_then(arguments::text)
            .map(Arc::from);
        Self {
            name,
            kind,
            durable,
            auto_delete: false,
            internal: false,
            arguments,
            alternate,
            bindings: Bindings::default(),
        }
    }
}
