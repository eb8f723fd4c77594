//! What the declaration of a queue means for its consumers.

use std::time::Duration;

use crate::topology::{Queue, Topology};

use super::settings::EndpointSettings;

/// Takes into account how the queues are declared.
pub(super) fn apply(settings: &mut EndpointSettings, topology: &Topology) {
    settings.auto_delete = settings
        .queues
        .iter()
        .filter(|name| {
            topology
                .queue(name)
                .is_some_and(|queue| goes(queue, settings))
        })
        .cloned()
        .collect();
}

/// Whether the broker may delete the queue while its consumer is being restarted. Until a handler is done, that takes as
/// long as a consumer may keep a delivery.
fn goes(queue: &Queue, settings: &EndpointSettings) -> bool {
    let expires = time(queue, "x-expires");
    queue.is_auto_delete() || expires.is_some_and(|expires| expires <= settings.consumer_timeout)
}

/// An argument in milliseconds, said by name or raw.
fn time(queue: &Queue, argument: &str) -> Option<Duration> {
    let millis = queue.arguments().get(argument)?.as_i64()?;
    u64::try_from(millis).ok().map(Duration::from_millis)
}
