use std::time::Duration;

/// What becomes of a delivery for which the pool has neither a place to run nor a place to wait.
///
/// Spring's discard policies are not among them: they would lose messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RejectionPolicy {
    /// The consumer runs the handler itself, outside the pool's bound, and takes no further delivery until it is
    /// done. The default.
    #[default]
    CallerRuns,
    /// The delivery is handed back to the queue, and its consumer pauses before it takes the next one.
    Abort,
}

/// The bounded pool behind every listener of a configuration (`listener.simple.executor`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutorSettings {
    /// Handlers at once before deliveries wait. Default 16.
    pub core_size: usize,
    /// Handlers at once when the waiting room is full. Default 16; never below `core_size`.
    pub max_size: usize,
    /// Consumers that may wait for a place, each with one delivery. Default 500.
    pub queue_capacity: usize,
    /// Names of the threads that run plain functions: this and a number from 1. Default `rabbitExecutor-`.
    pub thread_name_prefix: String,
    /// When there is no place left. Default caller-runs.
    pub rejection: RejectionPolicy,
    /// Whether a stop waits for running handlers. Default true.
    pub await_termination: bool,
    /// How long it waits at most, within the stop's own deadline. Default 30 s.
    pub await_termination_period: Duration,
}

impl Default for ExecutorSettings {
    fn default() -> Self {
        Self {
            core_size: 16,
            max_size: 16,
            queue_capacity: 500,
            thread_name_prefix: "rabbitExecutor-".to_owned(),
            rejection: RejectionPolicy::CallerRuns,
            await_termination: true,
            await_termination_period: Duration::from_secs(30),
        }
    }
}
