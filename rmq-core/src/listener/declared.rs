//! What the declaration of a queue means for its consumers.

use std::time::Duration;

use crate::topology::{Queue, Topology};

use super::settings::EndpointSettings;

/// Takes into account how the queues are declared.
pub(super) fn apply(settings: &mut EndpointSettings, topology: &Topology) {
    let declared = || {
        settings
            .queues
            .iter()
            .filter_map(|name| topology.queue(name))
    };
    let shortest = declared()
        .filter_map(|queue| time(queue, "x-consumer-timeout"))
        .min();
    if let Some(shortest) = shortest {
        settings.consumer_timeout = settings.consumer_timeout.min(shortest);
    }
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

/// An argument in milliseconds, said by name or raw. Zero is none.
fn time(queue: &Queue, argument: &str) -> Option<Duration> {
    let millis = queue.arguments().get(argument)?.as_i64()?;
    let millis = u64::try_from(millis).ok().filter(|millis| *millis > 0)?;
    Some(Duration::from_millis(millis))
}
