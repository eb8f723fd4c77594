use bytestring::ByteString;

/// The broker has the message, in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    pub(super) message_id: ByteString,
    pub(super) attempts: u32,
    pub(super) possible_duplicate: bool,
    pub(super) routing_checked: bool,
}

impl Confirmed {
    /// The message's id: the sender's, or the UUID it was given.
    #[must_use]
    pub fn message_id(&self) -> &str {
        &self.message_id
    }

    /// How often it was sent; 1 unless a channel died or the broker refused it at first.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether an earlier copy, under the same message id, may be in a queue too.
    #[must_use]
    pub const fn possible_duplicate(&self) -> bool {
        self.possible_duplicate
    }

    /// Whether the broker was asked to give it back had no queue taken it. False only where `mandatory` was
    /// switched off, and for replies over direct reply-to.
    #[must_use]
    pub const fn routing_checked(&self) -> bool {
        self.routing_checked
    }
}
