use super::{ComponentDescriptor, ComponentFactory};
use crate::component::{ComponentType, Components};
use crate::error::{Fault, Faults};
use crate::handler::{ArgumentFacts, ArgumentKind};

/// Builds the components of a configuration, each after those it needs, and adds them to the ones that are there.
///
/// To `faults` go all of one round, which is then the last: what was built twice, what failed, and at the end what needs a component that nobody
/// builds (or needs itself, over others).
pub async fn build_components(
    descriptors: &[&'static ComponentDescriptor],
    mut components: Components,
    faults: &mut Faults,
) -> Components {
    let told = faults.len();
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
            return components;
        }
        for (descriptor, factory) in ready {
            build(descriptor, &factory, &mut components, faults).await;
        }
        if faults.len() > told {
            return components;
        }
        open = waiting;
    }
}

fn needs(factory: &ComponentFactory, components: &Components) -> Vec<&'static str> {
    let missing = missing(&factory.arguments, components);
    missing.into_iter().map(ComponentType::name).collect()
}

/// The component types among these arguments that are not there.
pub(super) fn missing(arguments: &[ArgumentFacts], components: &Components) -> Vec<ComponentType> {
    arguments
        .iter()
        .filter_map(|argument| match argument.kind {
            ArgumentKind::Component(kind) if !components.contains(kind) => Some(kind),
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
