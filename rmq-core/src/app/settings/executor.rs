use crate::config::ExecutorProperties;
use crate::listener::{ExecutorSettings, RejectionPolicy};
use crate::registry::ExecutorOptions;

/// What the pool needs: `executor(...)` of the attribute, and the file's section where the attribute says nothing.
pub(in super::super) fn executor_settings(
    properties: &ExecutorProperties,
    attribute: ExecutorOptions,
) -> ExecutorSettings {
    let file = ExecutorSettings::from(properties);
    let count = |said: Option<u32>, file: usize| {
        said.map_or(file, |n| usize::try_from(n).unwrap_or(usize::MAX))
    };
    let max_size = count(attribute.max_size, file.max_size);
    ExecutorSettings {
        core_size: count(attribute.core_size, file.core_size).min(max_size),
        max_size,
        queue_capacity: count(attribute.queue_capacity, file.queue_capacity),
        thread_name_prefix: attribute
            .thread_name_prefix
            .map_or(file.thread_name_prefix, str::to_owned),
        rejection: match attribute.rejection_policy {
            Some("abort") => RejectionPolicy::Abort,
            Some(_) => RejectionPolicy::CallerRuns,
            None => file.rejection,
        },
        await_termination: attribute
            .await_termination
            .unwrap_or(file.await_termination),
        await_termination_period: file.await_termination_period,
    }
}
