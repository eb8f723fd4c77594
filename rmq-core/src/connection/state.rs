//! The states of a connection and the table of moves between them. Pure.

use std::time::SystemTime;

use super::{AttemptError, ConnectError};

/// An open connection, as others may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenConnection {
    /// Counts the links of this connection, from 1. Everything leased from an older one is gone.
    pub generation: u64,
    /// The address, without credentials.
    pub address: String,
    /// The broker's product, as it said it.
    pub product: String,
    /// The broker's version, as it said it.
    pub version: String,
}

/// What a connection is doing.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectionState {
    /// Not started.
    Idle,
    /// Started, and not open yet for the first time.
    Connecting {
        /// How many addresses were tried, this one included.
        attempt: u32,
        /// What the last try ended with.
        last_error: Option<AttemptError>,
    },
    /// Open; the topology stands.
    Open(OpenConnection),
    /// Open, but the broker takes no publishes. Acknowledgements on other connections go on.
    Blocked {
        /// The connection.
        connection: OpenConnection,
        /// The broker's reason.
        reason: String,
        /// Since when.
        since: SystemTime,
    },
    /// It was open, was lost, and is being opened again, for ever.
    Recovering {
        /// How many addresses were tried since it was lost.
        attempt: u32,
        /// Why it was lost, or what the last try ended with.
        last_error: AttemptError,
        /// Since when.
        since: SystemTime,
    },
    /// Being closed by the program.
    Closing,
    /// Closed by the program. The end.
    Closed,
    /// Start gave up: a fatal cause, or its deadline. The end.
    Failed(ConnectError),
}

/// What happens to a connection.
#[derive(Debug, Clone)]
pub(super) enum Move {
    /// An address is about to be tried.
    Try,
    /// It did not work.
    TryFailed(AttemptError),
    /// It worked, hooks included.
    Opened(OpenConnection),
    /// The broker takes no publishes any more.
    Blocked { reason: String, at: SystemTime },
    /// The broker takes publishes again.
    Unblocked,
    /// The link ended.
    Lost { cause: AttemptError, at: SystemTime },
    /// The program closes it.
    Close,
    /// Closing has ended.
    Closed,
    /// Start gives up.
    Fail(ConnectError),
}

impl ConnectionState {
    /// The state after a move, or `None` where the move means nothing and the state stays.
    pub(super) fn after(&self, happened: Move) -> Option<Self> {
        match happened {
            Move::Try => self.trying(),
            Move::TryFailed(error) => self.failed_try(error),
            Move::Opened(connection) => self.opening().then_some(Self::Open(connection)),
            Move::Blocked { reason, at } => self.blocked(reason, at),
            Move::Unblocked => match self {
                Self::Blocked { connection, .. } => Some(Self::Open(connection.clone())),
                _ => None,
            },
            Move::Lost { cause, at } => self.connection().is_some().then_some(Self::Recovering {
                attempt: 0,
                last_error: cause,
                since: at,
            }),
            Move::Close => {
                (!self.is_ended() && !matches!(self, Self::Closing)).then_some(Self::Closing)
            }
            Move::Closed => matches!(self, Self::Closing).then_some(Self::Closed),
            Move::Fail(error) => match self {
                Self::Idle | Self::Connecting { .. } => Some(Self::Failed(error)),
                _ => None,
            },
        }
    }

    fn trying(&self) -> Option<Self> {
        match self {
            Self::Idle => Some(Self::Connecting {
                attempt: 1,
                last_error: None,
            }),
            Self::Connecting {
                attempt,
                last_error,
            } => Some(Self::Connecting {
                attempt: attempt.saturating_add(1),
                last_error: last_error.clone(),
            }),
            Self::Recovering {
                attempt,
                last_error,
                since,
            } => Some(Self::Recovering {
                attempt: attempt.saturating_add(1),
                last_error: last_error.clone(),
                since: *since,
            }),
            _ => None,
        }
    }

    fn failed_try(&self, error: AttemptError) -> Option<Self> {
        match self {
            Self::Connecting { attempt, .. } => Some(Self::Connecting {
                attempt: *attempt,
                last_error: Some(error),
            }),
            Self::Recovering { attempt, since, .. } => Some(Self::Recovering {
                attempt: *attempt,
                last_error: error,
                since: *since,
            }),
            _ => None,
        }
    }

    fn blocked(&self, reason: String, at: SystemTime) -> Option<Self> {
        let (connection, since) = match self {
            Self::Open(connection) => (connection, at),
            Self::Blocked {
                connection, since, ..
            } => (connection, *since),
            _ => return None,
        };
        Some(Self::Blocked {
            connection: connection.clone(),
            reason,
            since,
        })
    }

    fn opening(&self) -> bool {
        matches!(self, Self::Connecting { .. } | Self::Recovering { .. })
    }

    /// The open connection, blocked or not.
    #[must_use]
    pub fn connection(&self) -> Option<&OpenConnection> {
        match self {
            Self::Open(connection) | Self::Blocked { connection, .. } => Some(connection),
            _ => None,
        }
    }

    /// Whether nothing will ever follow.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self, Self::Closed | Self::Failed(_))
    }

    /// What the last try ended with, while there is no connection.
    #[must_use]
    pub fn last_error(&self) -> Option<&AttemptError> {
        match self {
            Self::Connecting { last_error, .. } => last_error.as_ref(),
            Self::Recovering { last_error, .. } => Some(last_error),
            _ => None,
        }
    }

    /// One word for health and logs.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting { .. } => "connecting",
            Self::Open(_) => "open",
            Self::Blocked { .. } => "blocked",
            Self::Recovering { .. } => "recovering",
            Self::Closing => "closing",
            Self::Closed => "closed",
            Self::Failed(_) => "failed",
        }
    }
}

#[cfg(test)]
mod tests;
