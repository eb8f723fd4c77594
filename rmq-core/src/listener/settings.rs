//! A listener with everything decided: what the attribute, the file and the defaults come to.

use std::time::Duration;

pub use crate::config::AcknowledgeMode;
use crate::name::Name;

use super::{RetrySettings, ScalingSettings};

/// What becomes of a delivery that cannot be handled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FailurePolicy {
    /// Rejected: the broker moves it to the dead-letter queue. The default.
    #[default]
    Reject,
    /// Given back to its queue after a wait, and counted (`default-requeue-rejected: true`). Where it cannot be
    /// decoded, or its handler panicked, it is rejected all the same.
    Requeue,
    /// Published to this queue with the cause in its headers, mandatory and confirmed, then acknowledged.
    Park(Name),
}

/// What a listener does, decided.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointSettings {
    /// Its name, unique in its configuration.
    pub id: String,
    /// The queues it consumes: each consumer consumes all of them on its one channel.
    pub queues: Vec<Name>,
    /// Those of its queues that the broker deletes, with what is in them, when nobody consumes them. A consumer of theirs is
    /// not cancelled to be started again before its successor consumes. Default: none.
    pub auto_delete: Vec<Name>,
    /// How many consumers.
    pub scaling: ScalingSettings,
    /// Unacknowledged deliveries for each consumer and queue; at least 1. Default 250.
    pub prefetch: u16,
    /// Who acknowledges.
    pub acknowledge: AcknowledgeMode,
    /// Attempts in the process.
    pub retry: RetrySettings,
    /// After the last of them.
    pub on_failure: FailurePolicy,
    /// Whether it starts with the application. Default true.
    pub auto_startup: bool,
    /// Whether it must be alone on its queues. Default false.
    pub exclusive: bool,
    /// Consumer priority (`x-priority`). Default: none.
    pub priority: Option<i32>,
    /// The longest wait between two attempts to consume (`recovery-interval`); the first is a tenth of it. Default 5 s.
    pub recovery_interval: Duration,
    /// The broker's `consumer_timeout`, or a queue's shorter `x-consumer-timeout`: how long a delivery may stay unsettled.
    /// Default 30 min, as the broker's.
    pub consumer_timeout: Duration,
    /// How long a consumer may take to start, in one try. Default 60 s.
    pub start_timeout: Duration,
}

impl EndpointSettings {
    /// A listener of one queue with every default.
    #[must_use]
    pub fn new(id: impl Into<String>, queue: Name) -> Self {
        Self {
            id: id.into(),
            queues: vec![queue],
            auto_delete: Vec::new(),
            scaling: ScalingSettings::default(),
            prefetch: 250,
            acknowledge: AcknowledgeMode::Auto,
            retry: RetrySettings::default(),
            on_failure: FailurePolicy::Reject,
            auto_startup: true,
            exclusive: false,
            priority: None,
            recovery_interval: Duration::from_secs(5),
            consumer_timeout: Duration::from_secs(30 * 60),
            start_timeout: Duration::from_secs(60),
        }
    }

    pub(super) fn no_ack(&self) -> bool {
        self.acknowledge == AcknowledgeMode::None
    }
}
