//! A snapshot of a connection.

use super::{ConnectionState, Purpose};

/// How a connection is.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionHealth {
    /// Its name, as the broker's list shows it.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// What it is doing.
    pub state: ConnectionState,
    /// How often it was opened.
    pub opened: u64,
    /// How often it was lost.
    pub lost: u64,
    /// Channels in use.
    pub channels: usize,
    /// The most channels it may use; 0 while there is no link.
    pub channel_bound: usize,
}

impl ConnectionHealth {
    /// Whether it can be used for what it is for.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        matches!(self.state, ConnectionState::Open(_))
    }
}
