use std::fmt;

use super::{Owner, Source};
use crate::component::Components;
use crate::topology::{Binding, Declarables, Exchange, Queue};

/// What `#[declarables]` leaves behind.
#[derive(Debug, Clone, Copy)]
pub struct DeclarablesDescriptor {
    /// The method's name.
    pub function: &'static str,
    /// Where the attribute stands.
    pub source: Source,
    /// Its configuration.
    pub owner: Owner,
    /// Calls it; `None` when the configuration is not among the components.
    pub declare: fn(&Components) -> Option<Declarables>,
}

inventory::collect!(DeclarablesDescriptor);

impl DeclarablesDescriptor {
    /// Declarables of a method.
    #[must_use]
    pub const fn new(
        function: &'static str,
        source: Source,
        owner: Owner,
        declare: fn(&Components) -> Option<Declarables>,
    ) -> Self {
        Self {
            function,
            source,
            owner,
            declare,
        }
    }
}

/// What a `#[declarables]` method can return.
#[diagnostic::on_unimplemented(
    message = "a `#[declarables]` method cannot return `{Self}`",
    label = "nothing to declare",
    note = "return `Declarables`, or one `Queue`, `Exchange` or `Binding`"
)]
pub trait IntoDeclarables {
    /// As declarables.
    fn into_declarables(self) -> Declarables;
}

impl IntoDeclarables for Declarables {
    fn into_declarables(self) -> Declarables {
        self
    }
}

macro_rules! one {
    ($($type:ty),*) => {
        $(impl IntoDeclarables for $type {
            fn into_declarables(self) -> Declarables {
                Declarables::new().with(self)
            }
        })*
    };
}

one!(Queue, Exchange, Binding);

/// How a result of type `R` becomes declarables. It has no bound on purpose: one mistake, one error.
pub struct IntoDeclared<R>(fn(R) -> Declarables);

impl<R> fmt::Debug for IntoDeclared<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IntoDeclared<{}>", std::any::type_name::<R>())
    }
}

/// The declarables of methods that return `R`.
#[must_use]
pub const fn declared<R: IntoDeclarables>() -> IntoDeclared<R> {
    IntoDeclared(R::into_declarables)
}

/// Calls a method of the configuration that is among the components.
pub fn declare<T: Send + Sync + 'static, R>(
    components: &Components,
    into: IntoDeclared<R>,
    method: fn(&T) -> R,
) -> Option<Declarables> {
    let configuration = components.get::<T>()?;
    Some((into.0)(method(&configuration)))
}
