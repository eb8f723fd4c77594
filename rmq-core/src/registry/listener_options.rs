use std::time::Duration;

pub use crate::config::{AcknowledgeMode, Concurrency};

/// What becomes of a message whose attempts are spent, or that can never be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnFailure {
    /// Rejected: the broker dead-letters it.
    Reject,
    /// Published again to this queue with the cause in its headers, then acknowledged.
    Park(&'static str),
}

/// What `retry(...)` says.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RetryOptions {
    /// How often a message is tried in all, from 1.
    pub max_attempts: Option<u32>,
    /// The wait before the second attempt.
    pub initial_interval: Option<Duration>,
    /// By how much the wait grows, from 1.
    pub multiplier: Option<f64>,
    /// The longest wait.
    pub max_interval: Option<Duration>,
}

impl RetryOptions {
    /// Nothing said.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_attempts: None,
            initial_interval: None,
            multiplier: None,
            max_interval: None,
        }
    }

    /// With so many attempts.
    #[must_use]
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// With this wait before the second attempt, in milliseconds.
    #[must_use]
    pub const fn initial_interval(mut self, milliseconds: u64) -> Self {
        self.initial_interval = Some(Duration::from_millis(milliseconds));
        self
    }

    /// With this growth of the wait.
    #[must_use]
    pub const fn multiplier(mut self, factor: f64) -> Self {
        self.multiplier = Some(factor);
        self
    }

    /// With this longest wait, in milliseconds.
    #[must_use]
    pub const fn max_interval(mut self, milliseconds: u64) -> Self {
        self.max_interval = Some(Duration::from_millis(milliseconds));
        self
    }
}

/// What a listener's attribute says beside its queues; `None` where it says nothing, so that a weaker rank decides.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ListenerOptions {
    /// Consumers.
    pub concurrency: Option<Concurrency>,
    /// Unacknowledged messages for each consumer, from 1.
    pub prefetch: Option<u16>,
    /// When deliveries are acknowledged.
    pub acknowledge: Option<AcknowledgeMode>,
    /// Retries.
    pub retry: RetryOptions,
    /// The dead-letter route: `policy`, `external`, `none`, `default`, or a queue's name
    /// ([`DeadLetter::from_name`](crate::topology::DeadLetter::from_name)).
    pub dead_letter: Option<&'static str>,
    /// The end of failed messages.
    pub on_failure: Option<OnFailure>,
    /// Whether it starts with the program.
    pub auto_startup: Option<bool>,
    /// Whether it is to be the queue's only consumer.
    pub exclusive: Option<bool>,
    /// Its priority among the queue's consumers.
    pub priority: Option<i32>,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => {
        impl ListenerOptions {
            $($(#[$doc])*
            #[must_use]
            pub const fn $name(mut self, $name: $type) -> Self {
                self.$name = Some($name);
                self
            })*
        }
    };
}

impl ListenerOptions {
    /// Nothing said.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            concurrency: None,
            prefetch: None,
            acknowledge: None,
            retry: RetryOptions::new(),
            dead_letter: None,
            on_failure: None,
            auto_startup: None,
            exclusive: None,
            priority: None,
        }
    }

    /// With these retries.
    #[must_use]
    pub const fn retry(mut self, retry: RetryOptions) -> Self {
        self.retry = retry;
        self
    }
}

setters! {
    /// With so many consumers.
    concurrency: Concurrency,
    /// With this prefetch.
    prefetch: u16,
    /// With this acknowledge mode.
    acknowledge: AcknowledgeMode,
    /// With this dead-letter route.
    dead_letter: &'static str,
    /// With this end of failed messages.
    on_failure: OnFailure,
    /// Starting with the program, or not.
    auto_startup: bool,
    /// As the only consumer, or not.
    exclusive: bool,
    /// With this priority.
    priority: i32,
}
