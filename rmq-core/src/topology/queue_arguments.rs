//! The arguments of a queue that have a name and a type of their own.

use std::time::Duration;

use super::DeadLetterStrategy;

/// What a full queue does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// The oldest message goes, to the dead-letter exchange if there is one. RabbitMQ's default.
    DropHead,
    /// The new message is refused; its publisher gets a nack. Our default.
    RejectPublish,
    /// The new message is refused and dead-lettered. Classic queues only.
    RejectPublishDlx,
}

impl Overflow {
    /// The value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DropHead => "drop-head",
            Self::RejectPublish => "reject-publish",
            Self::RejectPublishDlx => "reject-publish-dlx",
        }
    }
}

/// On which node the first leader of a queue is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaderLocator {
    /// On the node the declaring client is connected to.
    ClientLocal,
    /// On the node with the fewest leaders.
    Balanced,
}

impl LeaderLocator {
    /// The value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientLocal => "client-local",
            Self::Balanced => "balanced",
        }
    }
}

/// The typed arguments; `None` leaves the broker's default, or ours where we have one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TypedArguments {
    pub(super) ttl: Option<Duration>,
    pub(super) expires: Option<Duration>,
    pub(super) max_length: Option<u64>,
    pub(super) max_length_bytes: Option<u64>,
    pub(super) overflow: Option<Overflow>,
    pub(super) strategy: Option<DeadLetterStrategy>,
    pub(super) delivery_limit: Option<u32>,
    pub(super) single_active: bool,
    pub(super) max_priority: Option<u8>,
    pub(super) initial_group_size: Option<u32>,
    pub(super) consumer_timeout: Option<Duration>,
    pub(super) leader_locator: Option<LeaderLocator>,
    pub(super) max_age: Option<Duration>,
}
