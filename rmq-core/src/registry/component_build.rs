use super::{ComponentDescriptor, ComponentFactory};
use crate::component::Components;
use crate::error::{Fault, Faults};
use crate::handler::{ArgumentFacts, ArgumentKind};

/// Builds the components of a configuration, each after those it needs, and adds them to the ones that are there.
///
/// # Errors
/// All faults of one round: what was built twice, what failed, and at the end what needs a component that nobody
/// builds (or needs itself, over others).
pub async fn build_components(
    descriptors: &[&'static ComponentDescriptor],
    mut components: Components,
) -> Result<Components, Faults> {
    let mut faults = Faults::new();
    let mut open: Vec<(&ComponentDescriptor, ComponentFactory)> = descriptors
        .iter()
        .map(|descriptor| (*descriptor, (descriptor.factory)()))
        .collect();
    loop {
        let (ready, waiting): (Vec<_>, Vec<_>) = open
            .into_iter()
            .partition(|(_, factory)| needs(factory, &components).is_empty());
        if ready.is_empty() {
            for (descriptor, factory) in &waiting {
                faults.push(unmet(descriptor, &needs(factory, &components)));
            }
            return faults.into_result(components);
        }
        for (descriptor, factory) in ready {
            build(descriptor, &factory, &mut components, &mut faults).await;
        }
        if !faults.is_empty() {
            return faults.into_result(components);
        }
        open = waiting;
    }
}

fn needs(factory: &ComponentFactory, components: &Components) -> Vec<&'static str> {
    missing(&factory.arguments, components)
}

/// The names of the component types among these arguments that are not there.
pub(super) fn missing(arguments: &[ArgumentFacts], components: &Components) -> Vec<&'static str> {
    arguments
        .iter()
        .filter_map(|argument| match argument.kind {
            ArgumentKind::Component(kind) if !components.contains(kind) => Some(kind.name()),
            _ => None,
        })
        .collect()
}

async fn build(
    descriptor: &ComponentDescriptor,
    factory: &ComponentFactory,
    components: &mut Components,
    faults: &mut Faults,
) {
    let function = descriptor.function;
    let fault = |sentence: String| Fault::new(descriptor.source.place(), sentence);
    if components.contains(factory.produces) {
        let sentence = format!(
            "`{function}` builds a component `{}`, and there is one already",
            factory.produces
        );
        faults.push(fault(sentence).fix("keep one of them, or give this one a type of its own"));
        return;
    }
    match (factory.build)(components.clone()).await {
        Ok(component) => {
            components.insert_erased(factory.produces, component);
        }
        Err(error) => faults.push(fault(format!("component `{function}` failed: {error}"))),
    }
}

fn unmet(descriptor: &ComponentDescriptor, needs: &[&'static str]) -> Fault {
    let sentence = format!(
        "component `{}` needs `{}`, which nobody provides, or which needs it in turn",
        descriptor.function,
        needs.join("`, `")
    );
    Fault::new(descriptor.source.place(), sentence)
        .fix("add `.state(value)` to the builder or a `#[component]` method that builds it")
}
