//! Why something was not declared, deleted or found out.

use std::fmt;

use crate::connection::ConnectError;
use crate::error::{Faults, OperationError, Place};
use crate::transport::{TransportError, TransportErrorKind};

use super::explain::Difference;

/// What kind of failure an [`AdminError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AdminErrorKind {
    /// The declarations contradict each other, or break a rule; nothing was sent.
    Invalid,
    /// It is there, and different (406).
    Mismatch,
    /// The broker does not take it as it is asked for (406, 503, 540).
    Unsupported,
    /// What it refers to is not there (404).
    Missing,
    /// Another connection owns it: an exclusive queue (405).
    Locked,
    /// The user may not (403).
    Access,
    /// It was not deleted, since it is in use or not empty (406).
    InUse,
    /// There was no connection, or it was lost meanwhile. Whether it was done is not known.
    Connection,
    /// The deadline passed. Whether it was done is not known.
    Deadline,
    /// The broker refused it for another reason.
    Refused,
}

impl AdminErrorKind {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid => "RMQ-ADM-INVALID",
            Self::Mismatch => "RMQ-ADM-MISMATCH",
            Self::Unsupported => "RMQ-ADM-UNSUPPORTED",
            Self::Missing => "RMQ-ADM-MISSING",
            Self::Locked => "RMQ-ADM-LOCKED",
            Self::Access => "RMQ-ADM-ACCESS",
            Self::InUse => "RMQ-ADM-IN-USE",
            Self::Connection => "RMQ-ADM-CONNECTION",
            Self::Deadline => "RMQ-ADM-DEADLINE",
            Self::Refused => "RMQ-ADM-REFUSED",
        }
    }

    /// Whether the same may succeed later without anybody changing anything here. What is missing may be declared by
    /// another program; a lock goes with its owner.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Missing
                | Self::Locked
                | Self::InUse
                | Self::Connection
                | Self::Deadline
                | Self::Refused
        )
    }
}

/// One declaration that the broker did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclarationError {
    /// The kind.
    pub kind: AdminErrorKind,
    /// What was being declared: "queue `orders`".
    pub subject: String,
    /// Where it was written.
    pub place: Place,
    /// What differs, where the broker said so. It names the first difference only.
    pub difference: Option<Difference>,
    /// What is wrong, one sentence.
    pub sentence: String,
    /// What to do now.
    pub fix: String,
}

impl fmt::Display for DeclarationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.place, self.sentence, self.fix)
    }
}

/// Something was not declared, deleted, bound, purged or found out.
#[derive(Clone)]
pub struct AdminError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: AdminErrorKind,
    sentence: String,
    declarations: Vec<DeclarationError>,
    faults: Faults,
    connect: Option<ConnectError>,
}

impl AdminError {
    pub(super) fn new(kind: AdminErrorKind, sentence: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            sentence: sentence.into(),
            declarations: Vec::new(),
            faults: Faults::new(),
            connect: None,
        }))
    }

    /// The declarations that failed; at least one.
    pub(super) fn declarations_failed(failed: Vec<DeclarationError>) -> Self {
        // A cause that stays outweighs one that passes.
        let lasting = failed.iter().find(|failure| !failure.kind.is_transient());
        let kind = lasting
            .or(failed.first())
            .map_or(AdminErrorKind::Refused, |failure| failure.kind);
        let sentence = match failed.len() {
            1 => "one declaration failed; nothing that was there has been changed".to_owned(),
            n => format!("{n} declarations failed; nothing that was there has been changed"),
        };
        let mut error = Self::new(kind, sentence);
        error.0.declarations = failed;
        error
    }

    /// The connection's own error.
    pub(super) fn connect(doing: &str, error: ConnectError) -> Self {
        let kind = match error.kind() {
            crate::connection::ConnectErrorKind::Deadline => AdminErrorKind::Deadline,
            _ => AdminErrorKind::Connection,
        };
        let mut new = Self::new(kind, format!("cannot {doing}: {error}"));
        new.0.connect = Some(error);
        new
    }

    /// The kind; of several failed declarations, that of the first whose cause stays.
    #[must_use]
    pub fn kind(&self) -> AdminErrorKind {
        self.0.kind
    }

    /// Every declaration that the broker did not take.
    #[must_use]
    pub fn declarations(&self) -> &[DeclarationError] {
        &self.0.declarations
    }

    /// What is wrong with the declarations themselves, found before anything was sent.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }
}

impl From<Faults> for AdminError {
    fn from(faults: Faults) -> Self {
        let mut error = Self::new(
            AdminErrorKind::Invalid,
            "the declarations are not valid; nothing was sent",
        );
        error.0.faults = faults;
        error
    }
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.sentence)?;
        for failure in &self.0.declarations {
            write!(f, "\n  {failure}")?;
        }
        if !self.0.faults.is_empty() {
            write!(f, "\n{}", self.0.faults)?;
        }
        Ok(())
    }
}

impl fmt::Debug for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} [{}]", self.0.kind.code())
    }
}

impl std::error::Error for AdminError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let connect = self.0.connect.as_ref()?;
        Some(connect)
    }
}

impl OperationError for AdminError {
    fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    fn is_transient(&self) -> bool {
        self.0.kind.is_transient()
    }
}

/// The kind of a control call's failure.
pub(super) fn kind_of(error: &TransportError) -> AdminErrorKind {
    match error.kind {
        TransportErrorKind::ChannelClosed(code) | TransportErrorKind::ConnectionClosed(code) => {
            kind_of_code(code, &error.text)
        }
        TransportErrorKind::Deadline => AdminErrorKind::Deadline,
        _ => AdminErrorKind::Connection,
    }
}

fn kind_of_code(code: u16, text: &str) -> AdminErrorKind {
    match code {
        403 => AdminErrorKind::Access,
        404 => AdminErrorKind::Missing,
        405 => AdminErrorKind::Locked,
        406 if text.contains("inequivalent arg") => AdminErrorKind::Mismatch,
        406 if text.contains(" in use") || text.contains("not empty") => AdminErrorKind::InUse,
        406 | 503 | 540 => AdminErrorKind::Unsupported,
        0 | 320 => AdminErrorKind::Connection,
        _ => AdminErrorKind::Refused,
    }
}
