use std::time::Duration;

use crate::message::HeaderLimits;
use crate::name::Name;

/// What becomes of messages in flight when their connection or channel dies (`template.resend`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResendPolicy {
    /// They are sent again under the same message id until their deadline. The default.
    #[default]
    UntilDeadline,
    /// They end as `Unknown` at once.
    Never,
}

/// Sending again what the broker refused (`template.retry.*`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetrySettings {
    /// Attempts behind the first. Default 3.
    pub max_retries: u32,
    /// Pause before the first retry. Default 1 s.
    pub initial_interval: Duration,
    /// Factor from one pause to the next. Default 1.
    pub multiplier: f64,
    /// Longest pause. Default 10 s.
    pub max_interval: Duration,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            max_retries: 3,
            initial_interval: Duration::from_secs(1),
            multiplier: 1.0,
            max_interval: Duration::from_secs(10),
        }
    }
}

impl RetrySettings {
    /// The pause before retry number `retry`, counted from 0.
    pub(crate) fn pause(&self, retry: u32) -> Duration {
        let exponent = i32::try_from(retry).unwrap_or(i32::MAX);
        let factor = self.multiplier.max(1.0).powi(exponent);
        let seconds = self.initial_interval.as_secs_f64() * factor;
        let longest = self.max_interval.as_secs_f64();
        Duration::from_secs_f64(seconds.min(longest).max(0.0))
    }
}

/// Everything the template reads from `rabbit.yml`.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateSettings {
    /// Where a send without an exchange goes (`template.exchange`). Default: the default exchange.
    pub exchange: Name,
    /// The routing key of a send without one (`template.routing-key`). Default: empty.
    pub routing_key: Name,
    /// The queue of a receive without one (`template.default-receive-queue`). Default: none.
    pub default_receive_queue: Option<Name>,
    /// How long a receive waits (`template.receive-timeout`): zero asks the queue once, [`Duration::MAX`] waits for
    /// ever. Default zero.
    pub receive_timeout: Duration,
    /// How long a request waits for its reply (`template.reply-timeout`). Default 5 s.
    pub reply_timeout: Duration,
    /// Whether a message that no queue takes comes back (`template.mandatory`). Default true.
    pub mandatory: bool,
    /// Most messages in flight. Default 5,000.
    pub window_messages: usize,
    /// Most body bytes in flight; one larger body alone is let in. Default 64 MiB.
    pub window_bytes: u32,
    /// How long a publish waits for room in the window, or for a blocked broker. Default 30 s.
    pub window_timeout: Duration,
    /// How long a message in flight may wait for its verdict. Default 60 s.
    pub confirm_timeout: Duration,
    /// How long a channel may be silent while messages wait on it and the broker is not blocked; then it is replaced
    /// and they are sent again, as possible duplicates. Default: as long as their deadline allows.
    pub silence_timeout: Option<Duration>,
    /// How long after a reconnect a return is tried again before it is told. Default 5 s.
    pub return_grace: Duration,
    /// What becomes of messages in flight when their channel dies.
    pub resend: ResendPolicy,
    /// Whether what the broker refused is sent again (`template.retry.enabled`). Default off.
    pub retry: Option<RetrySettings>,
    /// Largest body in bytes; a larger one is refused before it is sent. Default 128 MiB, RabbitMQ 3's own limit.
    pub max_message_size: u64,
    /// Caps on the header table of a message that is sent.
    pub headers: HeaderLimits,
    /// Callbacks: how many may wait, run at once, and for how long.
    pub callbacks: CallbackSettings,
}

impl Default for TemplateSettings {
    fn default() -> Self {
        Self {
            exchange: Name::default(),
            routing_key: Name::default(),
            default_receive_queue: None,
            receive_timeout: Duration::ZERO,
            reply_timeout: Duration::from_secs(5),
            mandatory: true,
            window_messages: 5_000,
            window_bytes: 64 * 1024 * 1024,
            window_timeout: Duration::from_secs(30),
            confirm_timeout: Duration::from_secs(60),
            silence_timeout: None,
            return_grace: Duration::from_secs(5),
            resend: ResendPolicy::default(),
            retry: None,
            max_message_size: 128 * 1024 * 1024,
            headers: HeaderLimits::default(),
            callbacks: CallbackSettings::default(),
        }
    }
}

/// Bounds of the executor that runs `#[on_confirm]` and `#[on_return]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallbackSettings {
    /// Callbacks that may wait to run; above it publishers wait. Default 5,000.
    pub queue: usize,
    /// Callbacks that may be under way at once. Default 64.
    pub concurrency: usize,
    /// How long one callback may take; then it is dropped and reported. Default 60 s.
    pub timeout: Duration,
}

impl Default for CallbackSettings {
    fn default() -> Self {
        Self {
            queue: 5_000,
            concurrency: 64,
            timeout: Duration::from_secs(60),
        }
    }
}
