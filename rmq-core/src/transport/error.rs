use std::fmt;

use bytestring::ByteString;

/// Why a channel or a link ended. Code, text, class and method are the broker's where it said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseCause {
    /// Whether the whole link ended, not only the channel.
    pub link: bool,
    /// AMQP's reply code; 0 when the broker said nothing (the socket ended, we closed it).
    pub code: u16,
    /// In words.
    pub text: ByteString,
    /// Class and method that caused it (60, 40 is a publish); zeros if none.
    pub class: u16,
    /// See `class`.
    pub method: u16,
    /// Whether we asked for it.
    pub by_us: bool,
}

impl CloseCause {
    /// Whether a publish caused it: class 60, method 40.
    #[must_use]
    pub const fn is_publish(&self) -> bool {
        self.class == 60 && self.method == 40
    }
}

impl fmt::Display for CloseCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.link { "connection" } else { "channel" };
        match (self.by_us, self.code) {
            (true, _) => write!(f, "{what} closed by this program: {}", self.text),
            (false, 0) => write!(f, "{what} lost: {}", self.text),
            (false, code) => write!(f, "{what} closed by the broker: {code} {}", self.text),
        }
    }
}

/// A publish did not go out; nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishRejected {
    /// The channel has ended.
    #[error("the channel has ended")]
    Closed,
    /// Properties and headers must fit one frame.
    #[error(
        "properties and headers take {size} bytes, and a frame of this connection holds {limit}"
    )]
    PropertiesTooLarge {
        /// Their frame's size in bytes.
        size: usize,
        /// The negotiated frame size in bytes.
        limit: usize,
    },
}

/// A settlement came for a delivery of a channel that has ended, or a second time. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the delivery can no longer be settled")]
pub struct Stale;

/// What went wrong on the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The broker refused the login (403): user and password, or the name in the certificate.
    Authentication,
    /// The broker refused our certificate in TLS, or wants one. It speaks for this node only.
    Certificate,
    /// The virtual host is not there, or this user may not enter it (530).
    VirtualHost,
    /// No TCP connection: name, network, refused.
    Unreachable,
    /// TLS failed: certificate, host name, protocol.
    Tls,
    /// A deadline passed.
    Deadline,
    /// The broker closed the channel with a code (404, 405, 406, 403 ...).
    ChannelClosed(u16),
    /// The connection ended.
    ConnectionClosed(u16),
    /// No channel number is free.
    ChannelsExhausted,
    /// The broker sent what AMQP does not allow.
    Protocol,
}

/// A control call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {text}")]
pub struct TransportError {
    /// The kind.
    pub kind: TransportErrorKind,
    /// What was being done to what, such as "declare queue `orders`".
    pub doing: String,
    /// What happened, in words.
    pub text: String,
}

impl TransportError {
    /// Whether trying again later may help without anybody changing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self.kind {
            TransportErrorKind::Authentication
            | TransportErrorKind::Certificate
            | TransportErrorKind::VirtualHost
            | TransportErrorKind::Tls
            | TransportErrorKind::Protocol => false,
            TransportErrorKind::ChannelClosed(code) => !matches!(code, 403 | 406),
            TransportErrorKind::ConnectionClosed(code) => !matches!(code, 403 | 530),
            TransportErrorKind::Unreachable
            | TransportErrorKind::Deadline
            | TransportErrorKind::ChannelsExhausted => true,
        }
    }
}
