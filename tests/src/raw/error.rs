use std::backtrace::Backtrace;
use std::fmt;

/// A close that the broker sent: code, text, and the method it blames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The reply code, 404 for one.
    pub code: u16,
    /// The reply text.
    pub text: String,
    /// The class and method that it answers; zeroes where none is to blame.
    pub method: (u16, u16),
    /// Whether the whole connection was closed, not just a channel.
    pub connection: bool,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.connection {
            "connection"
        } else {
            "channel"
        };
        write!(
            f,
            "{what} closed with {} {:?} for {:?}",
            self.code, self.text, self.method
        )
    }
}

/// What went otherwise than the test asked for. Its Debug form says where, when backtraces are on.
pub struct RawError {
    sentence: String,
    closed: Option<Closed>,
    backtrace: Backtrace,
}

impl RawError {
    /// A sentence of the test's own.
    #[must_use]
    pub fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            closed: None,
            backtrace: Backtrace::capture(),
        }
    }

    pub(crate) fn closed(doing: impl fmt::Display, closed: Closed) -> Self {
        Self {
            closed: Some(closed.clone()),
            ..Self::new(format!("{doing}: {closed}"))
        }
    }

    /// The broker's close, if that was the reason.
    #[must_use]
    pub fn close(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }
}

impl fmt::Display for RawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl fmt::Debug for RawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.sentence, self.backtrace)
    }
}

impl std::error::Error for RawError {}

impl From<std::io::Error> for RawError {
    fn from(error: std::io::Error) -> Self {
        Self::new(format!("the socket: {error}"))
    }
}

impl From<crate::broker::BrokerError> for RawError {
    fn from(error: crate::broker::BrokerError) -> Self {
        Self::new(error.to_string())
    }
}
