use super::{
    CallbackDescriptor, ComponentDescriptor, ConfigurationDescriptor, DeclarablesDescriptor,
    ListenerDescriptor,
};

/// Everything that attributes of this program left behind, sorted by id and place.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    /// Structs with `#[rabbit_config]`.
    pub configurations: Vec<&'static ConfigurationDescriptor>,
    /// Listeners of all configurations.
    pub listeners: Vec<&'static ListenerDescriptor>,
    /// Callbacks of all configurations.
    pub callbacks: Vec<&'static CallbackDescriptor>,
    /// Components of all configurations.
    pub components: Vec<&'static ComponentDescriptor>,
    /// Declarables of all configurations.
    pub declarables: Vec<&'static DeclarablesDescriptor>,
}

impl Registry {
    /// What is linked into this program.
    #[must_use]
    pub fn collect() -> Self {
        Self {
            configurations: sorted(inventory::iter, |c: &ConfigurationDescriptor| {
                (c.name, c.source)
            }),
            listeners: sorted(inventory::iter, |l: &ListenerDescriptor| (l.id, l.source)),
            callbacks: sorted(inventory::iter, |c: &CallbackDescriptor| {
                (c.function, c.source)
            }),
            components: sorted(inventory::iter, |c: &ComponentDescriptor| {
                (c.function, c.source)
            }),
            declarables: sorted(inventory::iter, |d: &DeclarablesDescriptor| {
                (d.function, d.source)
            }),
        }
    }
}

fn sorted<T, K: Ord>(
    all: impl IntoIterator<Item = &'static T>,
    key: impl Fn(&T) -> K,
) -> Vec<&'static T> {
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|item| key(item));
    all
}
