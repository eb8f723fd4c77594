use crate::connection::{ConnectionHealth, ConnectionState};
use crate::listener::ListenerInfo;

/// How the application is, at one moment: for a probe.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Health {
    /// Each connection, and what it is doing.
    pub connections: Vec<ConnectionHealth>,
    /// Each listener, and what it is doing.
    pub listeners: Vec<ListenerInfo>,
    /// Messages sent that wait for their verdict.
    pub unconfirmed: u64,
}

impl Health {
    /// Whether everything works: every connection is open, and every listener that is meant to consume does.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.connections.iter().all(ConnectionHealth::is_up)
            && !self
                .listeners
                .iter()
                .any(|listener| listener.state.is_waiting() || listener.state.is_failed())
    }

    /// Whether the broker takes no publishes at the moment (`connection.blocked`).
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        let blocked = |state: &ConnectionState| matches!(state, ConnectionState::Blocked { .. });
        self.connections
            .iter()
            .any(|connection| blocked(&connection.state))
    }
}
