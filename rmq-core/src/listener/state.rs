use std::fmt;

/// What a listener is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenerState {
    /// Not started, or stopped.
    Stopped,
    /// On its way to its queues.
    Starting,
    /// At least one of its consumers consumes.
    Consuming,
    /// No consumer can consume, because a queue is missing, was deleted, or refuses. Tried again with back-off.
    WaitingForQueue {
        /// What the broker said.
        cause: String,
    },
    /// No consumer can consume, because there is no connection or channel. Tried again with back-off.
    WaitingForConnection {
        /// What happened to the last one.
        cause: String,
    },
    /// On its way to `Paused` or `Stopped`: running handlers finish.
    Stopping,
    /// Stopped by `pause`, until `resume`.
    Paused,
    /// It has given up, because its connection has ended for good.
    Failed {
        /// Why.
        cause: String,
    },
}

impl ListenerState {
    /// Whether it takes deliveries.
    #[must_use]
    pub const fn is_consuming(&self) -> bool {
        matches!(self, Self::Consuming)
    }

    /// Whether it has given up.
    #[must_use]
    pub const fn is_failed(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }

    /// Whether it is meant to take deliveries, does not, and tries on.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        matches!(
            self,
            Self::WaitingForQueue { .. } | Self::WaitingForConnection { .. }
        )
    }
}

impl fmt::Display for ListenerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped"),
            Self::Starting => f.write_str("starting"),
            Self::Consuming => f.write_str("consuming"),
            Self::WaitingForQueue { cause } => write!(f, "waiting for its queue: {cause}"),
            Self::WaitingForConnection { cause } => write!(f, "waiting for a connection: {cause}"),
            Self::Stopping => f.write_str("stopping"),
            Self::Paused => f.write_str("paused"),
            Self::Failed { cause } => write!(f, "failed: {cause}"),
        }
    }
}
