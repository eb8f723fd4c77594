//! What others are told as it happens.

use super::{AttemptError, OpenConnection};

/// Something happened to a connection. Every subscriber gets every event, in order; one that falls more than
/// 64 behind is told how many it missed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// It is open and the topology stands.
    Opened(OpenConnection),
    /// An address did not work.
    AttemptFailed(AttemptError),
    /// It was lost; opening it again has begun.
    Lost(AttemptError),
    /// The broker takes no publishes: its reason.
    Blocked(String),
    /// The broker takes publishes again.
    Unblocked,
    /// The broker took a new secret of the [`CredentialsProvider`](super::CredentialsProvider).
    SecretRefreshed,
    /// The secret was not refreshed: why. It is tried again.
    RefreshFailed(String),
    /// The program closed it, or start gave up. The last event.
    Ended,
}
