use std::fmt;

use crate::converter::ConversionError;
use crate::error::OperationError;
use crate::message::TableError;

/// A handler was not called because an argument could not be taken from the delivery. Always fatal: the message
/// would fail again, so it is dead-lettered at once.
///
/// It names the argument, the type and the header, never a value.
#[derive(Clone, PartialEq, Eq)]
pub struct Rejection(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    argument: &'static str,
    kind: RejectionKind,
}

/// Why an argument could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectionKind {
    /// The body is not a value of the payload's type.
    Body(ConversionError),
    /// A header is not there.
    MissingHeader {
        /// Its name.
        header: &'static str,
    },
    /// A header has a value of another kind.
    Header {
        /// Its name.
        header: &'static str,
        /// What was wanted.
        wanted: &'static str,
        /// What was found, without the value.
        found: &'static str,
    },
    /// The header table could not be read at all.
    HeaderTable(TableError),
    /// There is no component of the type. Checked at start.
    MissingComponent {
        /// The type's name.
        type_name: &'static str,
    },
    /// An acknowledger outside manual mode. Checked at start.
    NoAcknowledger,
    /// A callback's message was taken twice. Checked at compile time.
    MessageTaken,
}

impl Rejection {
    fn new(argument: &'static str, kind: RejectionKind) -> Self {
        Self(Box::new(Inner { argument, kind }))
    }

    pub(super) fn body(argument: &'static str, error: ConversionError) -> Self {
        Self::new(argument, RejectionKind::Body(error))
    }

    pub(super) fn of_header(argument: &'static str, kind: RejectionKind) -> Self {
        Self::new(argument, kind)
    }

    pub(super) fn missing_component(argument: &'static str, type_name: &'static str) -> Self {
        Self::new(argument, RejectionKind::MissingComponent { type_name })
    }

    pub(super) fn no_acknowledger(argument: &'static str) -> Self {
        Self::new(argument, RejectionKind::NoAcknowledger)
    }

    pub(super) fn message_taken(argument: &'static str) -> Self {
        Self::new(argument, RejectionKind::MessageTaken)
    }

    /// The argument's name in the source.
    #[must_use]
    pub fn argument(&self) -> &'static str {
        self.0.argument
    }

    /// Why.
    #[must_use]
    pub fn kind(&self) -> &RejectionKind {
        &self.0.kind
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "argument `{}` cannot be taken: ", self.argument())?;
        match self.kind() {
            RejectionKind::Body(error) => error.fmt(f),
            RejectionKind::MissingHeader { header } => write!(
                f,
                "the message has no header `{header}` (where it may be missing, take an `Option`)"
            ),
            RejectionKind::Header {
                header,
                wanted,
                found,
            } => write!(f, "header `{header}` holds {found}, not {wanted}"),
            RejectionKind::HeaderTable(error) => error.fmt(f),
            RejectionKind::MissingComponent { type_name } => write!(
                f,
                "there is no component `{type_name}` (add `.state(..)` to the builder or a `#[component]` method)"
            ),
            RejectionKind::NoAcknowledger => {
                f.write_str("an `Acknowledger` needs acknowledge mode manual")
            }
            RejectionKind::MessageTaken => f.write_str("its message was taken already"),
        }
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rejection({self})")
    }
}

impl std::error::Error for Rejection {}

impl OperationError for Rejection {
    fn code(&self) -> &'static str {
        match self.kind() {
            RejectionKind::Body(_) => "RMQ-ARG-BODY",
            RejectionKind::MissingHeader { .. } => "RMQ-ARG-HEADER-MISSING",
            RejectionKind::Header { .. } => "RMQ-ARG-HEADER",
            RejectionKind::HeaderTable(_) => "RMQ-ARG-HEADER-TABLE",
            RejectionKind::MissingComponent { .. } => "RMQ-ARG-COMPONENT",
            RejectionKind::NoAcknowledger => "RMQ-ARG-ACKNOWLEDGER",
            RejectionKind::MessageTaken => "RMQ-ARG-MESSAGE",
        }
    }

    fn is_transient(&self) -> bool {
        false
    }
}
