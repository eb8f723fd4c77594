use std::collections::BTreeMap;

use super::component_build::missing;
use super::{
    CallbackDescriptor, CallbackFunction, ComponentDescriptor, ConfigurationDescriptor,
    DeclarablesDescriptor, ListenerDescriptor, Owner, Registrations, Registry, Source,
};
use crate::component::Components;
use crate::error::{Fault, Faults};
use crate::handler::{ArgumentFacts, Callback, Handler};
use crate::message::{Confirm, ReturnedMessage};

/// A listener with its handler.
#[derive(Debug)]
pub struct RegisteredListener {
    /// What its attribute says.
    pub descriptor: &'static ListenerDescriptor,
    /// Its function.
    pub handler: Handler,
}

/// What belongs to one configuration.
#[derive(Debug)]
pub struct Selection {
    /// Listeners, sorted by id.
    pub listeners: Vec<RegisteredListener>,
    /// The confirm callback.
    pub on_confirm: Option<(&'static CallbackDescriptor, Callback<Confirm>)>,
    /// The return callback.
    pub on_return: Option<(&'static CallbackDescriptor, Callback<ReturnedMessage>)>,
    /// Components that its methods build.
    pub components: Vec<&'static ComponentDescriptor>,
    /// Ids of listeners that belong to no configuration, which is a fault of theirs.
    pub ownerless: Vec<&'static str>,
    /// Declarables of its methods. Those of its listeners' bindings are the listeners'.
    pub declarables: Vec<&'static DeclarablesDescriptor>,
}

impl Registry {
    /// What belongs to a configuration: its methods, functions with `config = ` its type, and, where it is the
    /// program's only configuration, functions that say nothing. With `only`, the listeners and callbacks named there
    /// and no others.
    ///
    /// To `faults` go: a function without `config` among several configurations, two listeners of one id, two
    /// callbacks of one kind, an expected listener that is not there.
    pub fn select(
        &self,
        configuration: &ConfigurationDescriptor,
        only: Option<&Registrations>,
        faults: &mut Faults,
    ) -> Selection {
        let (listeners, callbacks) = match only {
            Some(only) => (only.listeners.clone(), only.callbacks.clone()),
            None => (
                self.owned(configuration, &self.listeners, faults),
                self.owned(configuration, &self.callbacks, faults),
            ),
        };
        duplicate_ids(&listeners, faults);
        if only.is_none() {
            expected(configuration, &listeners, faults);
        }
        let mut selection = Selection {
            listeners: listeners
                .into_iter()
                .map(|descriptor| RegisteredListener {
                    descriptor,
                    handler: (descriptor.handler)(),
                })
                .collect(),
            on_confirm: None,
            on_return: None,
            components: of_owner(&self.components, |c| c.owner, configuration),
            ownerless: self.ownerless(),
            declarables: of_owner(&self.declarables, |d| d.owner, configuration),
        };
        selection.listeners.sort_by_key(|l| l.descriptor.id);
        for callback in callbacks {
            selection.take_callback(callback, faults);
        }
        selection
    }

    fn ownerless(&self) -> Vec<&'static str> {
        if self.configurations.len() < 2 {
            return Vec::new();
        }
        let free = self.listeners.iter().filter(|item| item.owner.is_none());
        free.map(|listener| listener.id).collect()
    }

    fn owned<T: Registered>(
        &self,
        configuration: &ConfigurationDescriptor,
        all: &[&'static T],
        faults: &mut Faults,
    ) -> Vec<&'static T> {
        let mut mine = Vec::new();
        for item in all {
            match item.owner() {
                Some(owner) if owner == configuration.owner => mine.push(*item),
                Some(_) => {}
                None if self.configurations.len() > 1 => faults.push(self.without_owner(*item)),
                None => mine.push(*item),
            }
        }
        mine
    }

    fn without_owner<T: Registered>(&self, item: &T) -> Fault {
        let names: Vec<_> = self.configurations.iter().map(|c| c.name).collect();
        let sentence = format!(
            "`{}` belongs to no configuration, and the program has {}: `{}`",
            item.function(),
            names.len(),
            names.join("`, `")
        );
        Fault::new(item.source().place(), sentence).fix(format!(
            "write `config = {}` in its attribute, or make it a method of the configuration",
            names.first().copied().unwrap_or_default()
        ))
    }
}

impl Selection {
    fn take_callback(&mut self, descriptor: &'static CallbackDescriptor, faults: &mut Faults) {
        let earlier = match descriptor.callback {
            CallbackFunction::Confirm(callback) => self
                .on_confirm
                .replace((descriptor, callback()))
                .map(|(earlier, _)| earlier),
            CallbackFunction::Return(callback) => self
                .on_return
                .replace((descriptor, callback()))
                .map(|(earlier, _)| earlier),
        };
        if let Some(earlier) = earlier {
            let attribute = descriptor.callback.attribute();
            let sentence = format!(
                "`{}` is a second `#[{attribute}]` of one configuration; the first is `{}` at {}",
                descriptor.function, earlier.function, earlier.source
            );
            let fault = Fault::new(descriptor.source.place(), sentence);
            faults.push(fault.fix("call one from the other"));
        }
    }

    /// Listeners by crate, for the start report.
    #[must_use]
    pub fn listeners_by_crate(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for listener in &self.listeners {
            let name = listener.descriptor.source.crate_name();
            *counts.entry(name).or_default() += 1;
        }
        counts
    }

    /// What listeners and callbacks need and the components lack: one fault for each argument. What a `#[component]`
    /// method builds is not missed: where it is not there, the method's own fault is told.
    #[must_use]
    pub fn missing_components(&self, components: &Components) -> Faults {
        let mut faults = Faults::new();
        let promised: Vec<_> = self
            .components
            .iter()
            .map(|component| (component.factory)().produces)
            .collect();
        let mut look = |function, source: &Source, arguments: &[ArgumentFacts]| {
            for kind in missing(arguments, components) {
                if !promised.contains(&kind) {
                    faults.push(needs(function, source, kind.name()));
                }
            }
        };
        for RegisteredListener {
            descriptor,
            handler,
        } in &self.listeners
        {
            look(descriptor.function, &descriptor.source, &handler.arguments);
        }
        if let Some((descriptor, callback)) = &self.on_confirm {
            look(descriptor.function, &descriptor.source, &callback.arguments);
        }
        if let Some((descriptor, callback)) = &self.on_return {
            look(descriptor.function, &descriptor.source, &callback.arguments);
        }
        faults
    }
}

fn needs(function: &str, source: &Source, type_name: &str) -> Fault {
    let sentence = format!("`{function}` needs a component `{type_name}`, and there is none");
    Fault::new(source.place(), sentence).fix(format!(
        "add `.state(value)` with a `{type_name}` to the builder, or a `#[component]` method that returns one"
    ))
}

/// What listeners and callbacks have in common.
trait Registered {
    fn owner(&self) -> Option<Owner>;
    fn function(&self) -> &'static str;
    fn source(&self) -> &Source;
}

macro_rules! registered {
    ($($type:ty),*) => {
        $(impl Registered for $type {
            fn owner(&self) -> Option<Owner> {
                self.owner
            }

            fn function(&self) -> &'static str {
                self.function
            }

            fn source(&self) -> &Source {
                &self.source
            }
        })*
    };
}

registered!(ListenerDescriptor, CallbackDescriptor);

fn of_owner<T>(
    all: &[&'static T],
    owner: impl Fn(&T) -> Owner,
    configuration: &ConfigurationDescriptor,
) -> Vec<&'static T> {
    all.iter()
        .copied()
        .filter(|item| owner(item) == configuration.owner)
        .collect()
}

fn duplicate_ids(listeners: &[&'static ListenerDescriptor], faults: &mut Faults) {
    let mut first: BTreeMap<&str, &ListenerDescriptor> = BTreeMap::new();
    for listener in listeners {
        if let Some(earlier) = first.get(listener.id) {
            let sentence = format!(
                "two listeners have the id `{}`; the first is at {}",
                listener.id, earlier.source
            );
            let fault = Fault::new(listener.source.place(), sentence);
            faults.push(fault.fix("give one of them an id of its own: `id = \"...\"`"));
        } else {
            first.insert(listener.id, listener);
        }
    }
}

fn expected(
    configuration: &ConfigurationDescriptor,
    listeners: &[&'static ListenerDescriptor],
    faults: &mut Faults,
) {
    for id in configuration.expect_listeners {
        if listeners.iter().any(|listener| listener.id == *id) {
            continue;
        }
        let sentence = format!(
            "`expect_listeners` of `{}` names `{id}`, and no listener of that id is linked into the program",
            configuration.name
        );
        let fault = Fault::new(configuration.source.place(), sentence);
        faults.push(fault.fix("link its crate: `use that_crate as _;`"));
    }
}
