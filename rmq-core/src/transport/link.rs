use bytestring::ByteString;
use tokio::sync::watch;

use crate::time::Deadline;

use super::{Channel, CloseCause, LinkSettings, PublishSink, TransportError};

/// What a link is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Open, and the broker takes publishes.
    Open,
    /// Open, and the broker takes no publishes (`connection.blocked`): the reason in its words.
    Blocked(ByteString),
    /// Ended.
    Closed(CloseCause),
}

/// One connection to the broker. Cheap to clone; ends when closed, when the socket ends, or when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Link {}

impl Link {
    /// Connects, negotiates and authenticates, each within its deadline.
    ///
    /// # Errors
    /// The kinds tell a wrong password, a missing virtual host, a failed certificate and "not there" apart.
    pub async fn open(settings: LinkSettings) -> Result<Self, TransportError> {
        unimplemented!()
    }

    /// The state, and a way to wait for the next one. The last is `Closed`.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<LinkState> {
        unimplemented!()
    }

    /// The broker's `product` and `version`, as it said them.
    #[must_use]
    pub fn broker(&self) -> (String, String) {
        unimplemented!()
    }

    /// Opens a channel without confirms: for consumers, gets and declarations.
    ///
    /// # Errors
    /// When the link has ended, the deadline passed, or no channel number is free.
    pub async fn open_channel(&self, deadline: Deadline) -> Result<Channel, TransportError> {
        unimplemented!()
    }

    /// Opens a channel in confirm mode whose verdicts go to `sink`.
    ///
    /// # Errors
    /// As [`Link::open_channel`].
    pub async fn open_publishing_channel(
        &self,
        sink: std::sync::Arc<dyn PublishSink>,
        deadline: Deadline,
    ) -> Result<Channel, TransportError> {
        unimplemented!()
    }

    /// Gives the broker a new secret (`connection.update-secret`).
    ///
    /// # Errors
    /// When the broker refuses it, the link has ended, or the deadline passed.
    pub async fn update_secret(
        &self,
        secret: &str,
        reason: &str,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        unimplemented!()
    }

    /// Says goodbye to the broker; at the deadline the socket is dropped. Never fails.
    pub async fn close(&self, deadline: Deadline) {
        unimplemented!()
    }
}
