//! Which connection an exclusive queue belongs to: the broker gives it to one alone, and each way of acknowledging has its own.

use std::collections::BTreeSet;

use crate::error::{Fault, Faults};
use crate::listener::{AcknowledgeMode, EndpointSettings, ListenerEndpoint};
use crate::registry::RegisteredListener;
use crate::topology::{Queue, Topology};

/// The queues of the listeners that do not acknowledge.
pub(super) fn unacknowledged_queues(endpoints: &[ListenerEndpoint]) -> BTreeSet<String> {
    let settings = endpoints.iter().map(|endpoint| &endpoint.settings);
    settings
        .filter(|settings| !acknowledges(settings))
        .flat_map(|settings| &settings.queues)
        .map(ToString::to_string)
        .collect()
}

/// A fault for each exclusive queue of which some listeners acknowledge and others do not: one connection cannot have it
/// for both.
pub(super) fn contradictions<'l>(
    listeners: impl Iterator<Item = (&'l RegisteredListener, &'l EndpointSettings)> + Clone,
    topology: &Topology,
) -> Faults {
    let mut faults = Faults::new();
    for queue in topology.queues().filter(|queue| queue.is_exclusive()) {
        let consume = listeners
            .clone()
            .filter(|(_, settings)| settings.queues.iter().any(|name| *name == queue.name()));
        let (with, without): (Vec<_>, Vec<_>) =
            consume.partition(|(_, settings)| acknowledges(settings));
        if let (Some((_, with)), Some((listener, without))) = (with.first(), without.first()) {
            let place = listener.descriptor.source.place();
            faults.push(contradiction(queue, &with.id, &without.id, place));
        }
    }
    faults
}

fn contradiction(queue: &Queue, with: &str, without: &str, place: crate::error::Place) -> Fault {
    let sentence = format!(
        "listener `{without}` consumes the exclusive queue `{}` without acknowledgements, and listener `{with}` with \
         them: each way has a connection of its own, and an exclusive queue belongs to one",
        queue.name()
    );
    Fault::new(place, sentence)
        .fix("give both the same acknowledge mode, or each a queue of its own")
}

fn acknowledges(settings: &EndpointSettings) -> bool {
    settings.acknowledge != AcknowledgeMode::None
}
