use std::fmt;

use bytestring::ByteString;

/// A delivery that a stop could neither finish nor hand back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnsettledDelivery {
    /// The listener's id.
    pub listener: String,
    /// The message's id, if it has one.
    pub message_id: Option<ByteString>,
    /// Its number on its channel.
    pub delivery_tag: u64,
    /// Whether it is gone: in mode `none` the broker has forgotten it. Otherwise the broker delivers it again.
    pub lost: bool,
}

impl fmt::Display for UnsettledDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message_id {
            Some(id) => write!(f, "message `{id}`")?,
            None => write!(
                f,
                "a message without an id (delivery tag {})",
                self.delivery_tag
            )?,
        }
        let fate = if self.lost {
            "lost: the listener's acknowledge mode is none"
        } else {
            "left to the broker, which delivers it again"
        };
        write!(f, " of listener `{}`: {fate}", self.listener)
    }
}
