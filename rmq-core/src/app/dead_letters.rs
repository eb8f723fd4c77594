//! Where the rejected messages of each listener go, for the start report. The rule that somebody must know is `listener`'s.

use crate::config::DeadLetterSource;
use crate::topology::{DeadLetterRoute, Topology};

use super::settings::DecidedListener;

/// Where the rejected messages of a queue go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// To these queues, declared here.
    Queues(Vec<String>),
    /// Somebody said so: `policy` or `external`.
    Elsewhere(&'static str),
    /// Nowhere: they are deleted.
    Deleted,
}

/// The route of each queue of a listener.
pub(super) fn routes(listener: &DecidedListener, topology: &Topology) -> Vec<Route> {
    let queues = listener.settings.queues.iter();
    queues
        .map(|queue| route(listener.dead_letter, topology, queue))
        .collect()
}

fn route(said: DeadLetterSource, topology: &Topology, queue: &str) -> Route {
    match (said, topology.dead_letter_route(queue)) {
        (DeadLetterSource::Policy, _) | (_, DeadLetterRoute::Policy) => Route::Elsewhere("policy"),
        (DeadLetterSource::External, _) | (_, DeadLetterRoute::External) => {
            Route::Elsewhere("external")
        }
        (DeadLetterSource::Declared, DeadLetterRoute::Known(known)) => Route::Queues(known.queues),
        _ => Route::Deleted,
    }
}
