//! The bounded pool behind every listener container.

use std::time::Duration;

use super::super::reader::Reader;

/// What happens to a delivery when the pool and its queue are full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RejectionPolicy {
    /// The consumer runs the handler itself and takes nothing further until it is done.
    #[default]
    CallerRuns,
    /// The delivery is handed back and the consumer pauses.
    Abort,
}

/// The pool (`listener.simple.executor.*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutorProperties {
    /// `core-size`. Default: 16.
    pub core_size: u32,
    /// `max-size`, handlers at once. Default: 16.
    pub max_size: u32,
    /// `queue-capacity`, deliveries. Default: 500.
    pub queue_capacity: u32,
    /// `thread-name-prefix`. Default: `rabbitExecutor-`.
    pub thread_name_prefix: String,
    /// `rejection-policy`. Default: caller-runs.
    pub rejection_policy: RejectionPolicy,
    /// `await-termination`. Default: true.
    pub await_termination: bool,
    /// `await-termination-period`. Default: 30 s.
    pub await_termination_period: Duration,
}

pub(super) fn read(reader: &mut Reader<'_>) -> ExecutorProperties {
    let policies = [
        ("caller-runs", Some(RejectionPolicy::CallerRuns)),
        ("abort", Some(RejectionPolicy::Abort)),
        ("discard", None),
        ("discard-oldest", None),
    ];
    let policy = reader.choice("rejection-policy", &policies);
    if policy.as_ref().is_some_and(|policy| policy.is_none()) {
        reader.fault(
            "rejection-policy",
            "would lose messages",
            "write `caller-runs` or `abort`",
        );
    }
    let executor = ExecutorProperties {
        core_size: count(reader, "core-size"),
        max_size: count(reader, "max-size"),
        queue_capacity: count(reader, "queue-capacity"),
        thread_name_prefix: reader
            .text("thread-name-prefix")
            .map(|text| text.value)
            .unwrap_or_default(),
        rejection_policy: policy.and_then(|policy| policy.value).unwrap_or_default(),
        await_termination: reader
            .flag("await-termination")
            .is_none_or(|flag| flag.value),
        await_termination_period: reader
            .duration("await-termination-period")
            .map(|wait| wait.value)
            .unwrap_or_default(),
    };
    if executor.core_size > executor.max_size {
        let name = if reader.said("core-size").is_some() {
            "core-size"
        } else {
            "max-size"
        };
        reader.fault(
            name,
            "makes the core of the pool larger than the pool",
            "keep `core-size` at or below `max-size`",
        );
    }
    executor
}

fn count(reader: &mut Reader<'_>, name: &str) -> u32 {
    reader
        .whole(name)
        .map(|count| count.value)
        .unwrap_or_default()
}
