//! From what the attribute and the file say to what a listener does, and what is wrong with that.

use crate::config::{self, DeadLetterSource, ListenerProperties, OnFailure, Setting};
use crate::error::{Fault, Faults, Place};
use crate::name::Name;
use crate::registry::{self, ListenerDescriptor, ListenerOptions};
use crate::topology::{DeadLetterRoute, Topology};

use super::declared;
use super::executor::{ExecutorSettings, RejectionPolicy};
use super::retry::RetrySettings;
use super::scaling::ScalingSettings;
use super::settings::{EndpointSettings, FailurePolicy};

/// A listener with everything decided.
#[derive(Debug)]
pub struct Planned {
    /// What the container does.
    pub settings: EndpointSettings,
    /// The same as the file and the attribute say it, each value with the place that decided it.
    pub decided: config::ListenerSettings,
}

/// What an attribute says, as a layer between the file's section and its `listeners.<id>`.
fn attribute_layer(descriptor: &ListenerDescriptor) -> ListenerProperties {
    let place = descriptor.source.place();
    let options = &descriptor.options;
    let queues: Vec<String> = descriptor
        .queue_names()
        .into_iter()
        .map(Into::into)
        .collect();
    ListenerProperties {
        queues: said((!queues.is_empty()).then_some(queues), &place),
        concurrency: said(options.concurrency, &place),
        prefetch: said(options.prefetch, &place),
        acknowledge_mode: said(options.acknowledge, &place),
        auto_startup: said(options.auto_startup, &place),
        max_retries: said(
            options
                .retry
                .max_attempts
                .map(|attempts| attempts.saturating_sub(1)),
            &place,
        ),
        // Who writes `retry(...)` wants it, whatever the section says.
        retry_enabled: said(says_retry(options).then_some(true), &place),
        retry_initial_interval: said(options.retry.initial_interval, &place),
        retry_multiplier: said(options.retry.multiplier, &place),
        retry_max_interval: said(options.retry.max_interval, &place),
        on_failure: said(options.on_failure.map(on_failure), &place),
        dead_letter: said(
            options.dead_letter.and_then(DeadLetterSource::from_name),
            &place,
        ),
        exclusive: said(options.exclusive, &place),
        priority: said(options.priority, &place),
        ..ListenerProperties::default()
    }
}

fn said<T>(value: Option<T>, place: &Place) -> Option<Setting<T>> {
    value.map(|value| Setting::attribute(value, place.clone()))
}

fn says_retry(options: &ListenerOptions) -> bool {
    options.retry != registry::RetryOptions::default()
}

fn on_failure(policy: registry::OnFailure) -> OnFailure {
    match policy {
        registry::OnFailure::Reject => OnFailure::Reject,
        registry::OnFailure::Park(queue) => OnFailure::Park(queue.to_owned()),
    }
}

/// Decides about one listener: section, attribute, `listeners.<id>`, the last having the last word. What contradicts
/// itself, and a dead-letter route that nobody knows, goes to `faults`. Without a topology, what rests on
/// one is not checked.
#[must_use]
pub fn plan(
    descriptor: &ListenerDescriptor,
    section: &config::ListenerSettings,
    by_id: Option<&ListenerProperties>,
    topology: Option<&Topology>,
    faults: &mut Faults,
) -> Planned {
    let attribute = attribute_layer(descriptor);
    let decided = config::ListenerSettings::resolve(section, &attribute, by_id);
    let here = descriptor.source.place();
    decided.check(descriptor.id, &here, faults);
    let mut settings = EndpointSettings {
        id: descriptor.id.to_owned(),
        queues: names(descriptor.id, &decided.queues, &here, faults),
        scaling: scaling(&decided),
        prefetch: decided.prefetch.value.max(1),
        acknowledge: decided.acknowledge_mode.value,
        retry: retry(&decided),
        on_failure: failure_policy(descriptor.id, &decided, &here, faults),
        auto_startup: decided.auto_startup.value,
        exclusive: decided.exclusive.value,
        priority: (decided.priority.value != 0).then_some(decided.priority.value),
        recovery_interval: decided.recovery_interval.value,
        consumer_timeout: decided.consumer_timeout.value,
        ..EndpointSettings::new(descriptor.id, Name::default())
    };
    if let Some(topology) = topology {
        declared::apply(&mut settings, topology);
        check_queues(&settings, &decided, topology, &here, faults);
    }
    Planned { settings, decided }
}

fn names(id: &str, queues: &Setting<Vec<String>>, here: &Place, faults: &mut Faults) -> Vec<Name> {
    let place = queues.origin.place().unwrap_or(here);
    if queues.is_empty() {
        let what = format!("listener `{id}` names no queue");
        faults.push(Fault::new(place.clone(), what).fix("write `queue = \"...\"`"));
    }
    let mut names = Vec::with_capacity(queues.len());
    for queue in queues.iter() {
        match Name::try_from(queue.as_str()) {
            Ok(name) => names.push(name),
            Err(error) => faults.push(Fault::new(
                place.clone(),
                format!("listener `{id}`: {error}"),
            )),
        }
    }
    names
}

fn scaling(decided: &config::ListenerSettings) -> ScalingSettings {
    let range = decided.concurrency.value;
    let count = |n: u32| usize::try_from(n.max(1)).unwrap_or(usize::MAX);
    ScalingSettings {
        consecutive_active_trigger: decided.active_trigger.value,
        consecutive_idle_trigger: decided.idle_trigger.value,
        start_consumer_min_interval: decided.start_consumer_min_interval.value,
        stop_consumer_min_interval: decided.stop_consumer_min_interval.value,
        cycle: decided.receive_timeout.value,
        ..ScalingSettings::between(count(range.min), count(range.max))
    }
}

fn retry(decided: &config::ListenerSettings) -> RetrySettings {
    let retry = decided.retry();
    RetrySettings {
        attempts: retry.attempts(),
        initial_interval: retry.initial_interval,
        multiplier: retry.multiplier,
        max_interval: retry.max_interval,
    }
}

fn failure_policy(
    id: &str,
    decided: &config::ListenerSettings,
    here: &Place,
    faults: &mut Faults,
) -> FailurePolicy {
    let OnFailure::Park(queue) = &decided.on_failure.value else {
        return if decided.requeue_rejected.value {
            FailurePolicy::Requeue
        } else {
            FailurePolicy::Reject
        };
    };
    let place = decided.on_failure.origin.place().unwrap_or(here);
    if decided.queues.contains(queue) {
        let what =
            format!("listener `{id}` parks what fails in `{queue}`, which it consumes itself");
        faults.push(Fault::new(place.clone(), what).fix("park in a queue that nobody consumes"));
    }
    Name::try_from(queue.as_str()).map_or_else(
        |error| {
            faults.push(Fault::new(
                place.clone(),
                format!("listener `{id}`: {error}"),
            ));
            FailurePolicy::Reject
        },
        FailurePolicy::Park,
    )
}

/// The rules that need the topology: a known dead-letter route, and no idle consumers of a single-active queue.
fn check_queues(
    settings: &EndpointSettings,
    decided: &config::ListenerSettings,
    topology: &Topology,
    here: &Place,
    faults: &mut Faults,
) {
    let id = &settings.id;
    for queue in &settings.queues {
        let single = topology
            .queue(queue)
            .is_some_and(crate::topology::Queue::is_single_active);
        if single && settings.scaling.max > 1 {
            let place = decided.concurrency.origin.place().unwrap_or(here).clone();
            let what = format!(
                "listener `{id}` has up to {} consumers, but queue `{queue}` has a single active one",
                settings.scaling.max
            );
            faults.push(Fault::new(place, what).fix("give it concurrency 1"));
        }
        // Without acknowledgements nothing is ever rejected.
        if settings.no_ack() || decided.dead_letter.value != DeadLetterSource::Declared {
            continue;
        }
        let Some(why) = unknown_route(topology, queue) else {
            continue;
        };
        let what = format!(
            "listener `{id}` does not start, because what becomes of the messages it rejects is not known: queue `{queue}` {why}"
        );
        let place = decided.queues.origin.place().unwrap_or(here).clone();
        faults.push(Fault::new(place, what).fix(
            "declare the queue in the topology, or say how it is: dead_letter = \"policy\", \"external\" or \"none\"",
        ));
    }
}

fn unknown_route(topology: &Topology, queue: &str) -> Option<&'static str> {
    match topology.dead_letter_route(queue) {
        DeadLetterRoute::None { said: false } => {
            Some("has no dead-letter queue, and nothing says that this is meant")
        }
        DeadLetterRoute::Unknown if topology.queue(queue).is_some() => {
            Some("has a dead-letter exchange that is neither declared nor bound to a queue here")
        }
        DeadLetterRoute::Unknown => Some("is not declared here"),
        _ => None,
    }
}

impl From<&config::ExecutorProperties> for ExecutorSettings {
    fn from(properties: &config::ExecutorProperties) -> Self {
        let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        Self {
            core_size: count(properties.core_size),
            max_size: count(properties.max_size),
            queue_capacity: count(properties.queue_capacity),
            thread_name_prefix: properties.thread_name_prefix.clone(),
            rejection: match properties.rejection_policy {
                config::RejectionPolicy::CallerRuns => RejectionPolicy::CallerRuns,
                config::RejectionPolicy::Abort => RejectionPolicy::Abort,
            },
            await_termination: properties.await_termination,
            await_termination_period: properties.await_termination_period,
        }
    }
}

#[cfg(test)]
mod tests;
