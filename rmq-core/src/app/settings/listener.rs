use crate::config::{DeadLetterSource, RabbitProperties, UnsafeSetting};
use crate::error::{Fault, Faults};
use crate::handler::ArgumentKind;
use crate::listener::{AcknowledgeMode, EndpointSettings, Planned, plan};
use crate::registry::RegisteredListener;
use crate::topology::Topology;

/// A listener with everything decided, and what the start report says of it.
pub(in super::super) struct DecidedListener {
    /// What the container does.
    pub(in super::super) settings: EndpointSettings,
    /// How the dead-letter route of its queues is known.
    pub(in super::super) dead_letter: DeadLetterSource,
    /// What it says that can lose a message.
    pub(in super::super) unsafe_choices: Vec<UnsafeSetting>,
}

/// Decides a listener: built-in default, section, attribute, `listeners.<id>`, the last one strongest. What rests on
/// settings that could not be read, or on a topology that is not known, is not checked.
pub(in super::super) fn decided_listener(
    listener: &RegisteredListener,
    properties: &RabbitProperties,
    topology: Option<&Topology>,
    faults: &mut Faults,
) -> DecidedListener {
    let descriptor = listener.descriptor;
    let mut found = Faults::new();
    let by_id = properties.listener_by_id(descriptor.id);
    let Planned { settings, decided } = plan(
        descriptor,
        &properties.listener,
        by_id,
        topology,
        &mut found,
    );
    acknowledger(listener, settings.acknowledge, &mut found);
    if !properties.doubts_listener(descriptor.id) {
        faults.extend(found);
    }
    DecidedListener {
        settings,
        dead_letter: decided.dead_letter.value,
        unsafe_choices: decided.unsafe_choices(),
    }
}

/// Manual mode and an `Acknowledger` argument go together: one without the other settles nothing, or everything twice.
fn acknowledger(listener: &RegisteredListener, mode: AcknowledgeMode, faults: &mut Faults) {
    let takes_one = listener
        .handler
        .arguments
        .iter()
        .any(|argument| argument.kind == ArgumentKind::Acknowledger);
    let (what, fix) = match (takes_one, mode) {
        (true, AcknowledgeMode::Auto | AcknowledgeMode::None) => (
            "takes an `Acknowledger`, and its acknowledge mode is not manual",
            "say `ack = \"manual\"`, or take the argument away",
        ),
        (false, AcknowledgeMode::Manual) => (
            "acknowledges by hand and takes no `Acknowledger`: every delivery would fail",
            "add an argument of type `Acknowledger`, or use `ack = \"auto\"`",
        ),
        _ => return,
    };
    let descriptor = listener.descriptor;
    let sentence = format!("listener `{}` {what}", descriptor.id);
    faults.push(Fault::new(descriptor.source.place(), sentence).fix(fix));
}
