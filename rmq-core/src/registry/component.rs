use super::{ComponentFactory, Owner, Source};

/// What `#[component]` leaves behind.
#[derive(Debug, Clone, Copy)]
pub struct ComponentDescriptor {
    /// The method's name.
    pub function: &'static str,
    /// Where the attribute stands.
    pub source: Source,
    /// Its configuration.
    pub owner: Owner,
    /// Makes what builds the component.
    pub factory: fn() -> ComponentFactory,
}

inventory::collect!(ComponentDescriptor);

impl ComponentDescriptor {
    /// A component of a method.
    #[must_use]
    pub const fn new(
        function: &'static str,
        source: Source,
        owner: Owner,
        factory: fn() -> ComponentFactory,
    ) -> Self {
        Self {
            function,
            source,
            owner,
            factory,
        }
    }
}
