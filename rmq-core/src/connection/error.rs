//! Why there is no connection, or no channel on it.

use std::fmt;
use std::sync::Arc;

use crate::error::{BoxError, OperationError};
use crate::transport::{TransportError, TransportErrorKind};

/// What kind of failure a [`ConnectError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// The broker refused user, password or certificate.
    Authentication,
    /// The program's credentials provider gave no login.
    Credentials,
    /// The virtual host is not there, or this user may not enter it.
    VirtualHost,
    /// The broker's certificate was not accepted, or TLS failed otherwise.
    Tls,
    /// No TCP connection: name, network, refused.
    Unreachable,
    /// The connection ended, or the broker closed it.
    Lost,
    /// The broker sent what AMQP does not allow.
    Protocol,
    /// The topology, or another thing that must stand before the connection is used, failed.
    Setup,
    /// A deadline passed.
    Deadline,
    /// No channel came free before the deadline.
    NoChannel,
    /// The broker takes no publishes (`connection.blocked`), and the deadline passed.
    Blocked,
    /// This connection was closed by the program, or is being closed.
    Closed,
}

impl ConnectErrorKind {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Authentication => "RMQ-CON-AUTHENTICATION",
            Self::Credentials => "RMQ-CON-CREDENTIALS",
            Self::VirtualHost => "RMQ-CON-VIRTUAL-HOST",
            Self::Tls => "RMQ-CON-TLS",
            Self::Unreachable => "RMQ-CON-UNREACHABLE",
            Self::Lost => "RMQ-CON-LOST",
            Self::Protocol => "RMQ-CON-PROTOCOL",
            Self::Setup => "RMQ-CON-SETUP",
            Self::Deadline => "RMQ-CON-DEADLINE",
            Self::NoChannel => "RMQ-CON-NO-CHANNEL",
            Self::Blocked => "RMQ-CON-BLOCKED",
            Self::Closed => "RMQ-CON-CLOSED",
        }
    }

    /// Whether waiting may help without anybody changing anything.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        !matches!(
            self,
            Self::Authentication
                | Self::VirtualHost
                | Self::Tls
                | Self::Protocol
                | Self::Setup
                | Self::Closed
        )
    }
}

/// What became of the last try of one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptError {
    /// The address, without credentials.
    pub address: String,
    /// The kind.
    pub kind: ConnectErrorKind,
    /// What happened, in words.
    pub text: String,
    /// Whether trying again cannot help until somebody changes something.
    pub permanent: bool,
}

impl AttemptError {
    /// Reads what the transport says of an attempt.
    pub(super) fn of(address: String, error: &TransportError) -> Self {
        let kind = kind_of(error);
        Self {
            address,
            kind,
            text: error.to_string(),
            permanent: is_permanent(kind, &error.text),
        }
    }
}

impl fmt::Display for AttemptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.address, self.text)
    }
}

fn kind_of(error: &TransportError) -> ConnectErrorKind {
    match error.kind {
        TransportErrorKind::Authentication | TransportErrorKind::Certificate => {
            ConnectErrorKind::Authentication
        }
        // The broker uses 530 for a full virtual host, too; that one passes by itself.
        TransportErrorKind::VirtualHost if error.text.contains("connection limit") => {
            ConnectErrorKind::Lost
        }
        TransportErrorKind::VirtualHost => ConnectErrorKind::VirtualHost,
        TransportErrorKind::Tls => ConnectErrorKind::Tls,
        TransportErrorKind::Unreachable => ConnectErrorKind::Unreachable,
        TransportErrorKind::Deadline => ConnectErrorKind::Deadline,
        TransportErrorKind::ChannelsExhausted => ConnectErrorKind::NoChannel,
        TransportErrorKind::Protocol => ConnectErrorKind::Protocol,
        TransportErrorKind::ChannelClosed(_) | TransportErrorKind::ConnectionClosed(_) => {
            ConnectErrorKind::Lost
        }
    }
}

/// A handshake that broke off says nothing about tomorrow; a certificate that was refused does. These are rustls's
/// first words of one: what follows may name hosts.
fn is_permanent(kind: ConnectErrorKind, text: &str) -> bool {
    match kind {
        ConnectErrorKind::Authentication | ConnectErrorKind::VirtualHost => true,
        ConnectErrorKind::Tls => text.starts_with("invalid peer certificate"),
        _ => false,
    }
}

/// There is no connection, or no channel on it.
///
/// Nothing was sent. Cheap to clone.
#[derive(Clone)]
pub struct ConnectError(Arc<Inner>);

struct Inner {
    kind: ConnectErrorKind,
    sentence: String,
    attempts: Vec<AttemptError>,
    source: Option<BoxError>,
}

impl ConnectError {
    pub(crate) fn new(kind: ConnectErrorKind, sentence: impl Into<String>) -> Self {
        Self::build(kind, sentence.into(), Vec::new(), None)
    }

    pub(crate) fn with_attempts(
        kind: ConnectErrorKind,
        sentence: impl Into<String>,
        attempts: Vec<AttemptError>,
    ) -> Self {
        Self::build(kind, sentence.into(), attempts, None)
    }

    pub(crate) fn with_source(
        kind: ConnectErrorKind,
        sentence: impl Into<String>,
        source: BoxError,
    ) -> Self {
        Self::build(kind, sentence.into(), Vec::new(), Some(source))
    }

    fn build(
        kind: ConnectErrorKind,
        sentence: String,
        attempts: Vec<AttemptError>,
        source: Option<BoxError>,
    ) -> Self {
        Self(Arc::new(Inner {
            kind,
            sentence,
            attempts,
            source,
        }))
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ConnectErrorKind {
        self.0.kind
    }

    /// Every address that was tried, with its last error.
    #[must_use]
    pub fn attempts(&self) -> &[AttemptError] {
        &self.0.attempts
    }

    /// What a hook that runs on each new connection failed with, such as an
    /// `AdminError`.
    #[must_use]
    pub fn setup_error(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.0.source.as_deref()
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.sentence)?;
        for attempt in &self.0.attempts {
            write!(f, "\n  {attempt}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} [{}]", self.0.kind.code())
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source)
    }
}

impl PartialEq for ConnectError {
    fn eq(&self, other: &Self) -> bool {
        self.0.kind == other.0.kind
            && self.0.sentence == other.0.sentence
            && self.0.attempts == other.0.attempts
    }
}

impl OperationError for ConnectError {
    fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    fn is_transient(&self) -> bool {
        self.0.kind.is_transient()
    }
}

#[cfg(test)]
mod tests {
    use super::AttemptError;
    use crate::transport::{TransportError, TransportErrorKind};

    fn is_permanent(text: &str) -> bool {
        let host = "certificates.example:5671";
        let error = TransportError {
            kind: TransportErrorKind::Tls,
            doing: format!("connect to {host} (TLS)"),
            text: text.to_owned(),
        };
        AttemptError::of(host.to_owned(), &error).permanent
    }

    #[test]
    fn a_host_named_like_a_certificate_makes_no_error_of_tls_permanent() {
        assert!(is_permanent("invalid peer certificate: UnknownIssuer"));
        assert!(!is_permanent("received fatal alert: HandshakeFailure"));
        assert!(!is_permanent("other error: certificates.example went away"));
    }
}
