use std::any::{TypeId, type_name};
use std::fmt;

use super::RabbitConfiguration;

/// The configuration that a listener, callback, component or set of declarables belongs to.
#[derive(Clone, Copy)]
pub struct Owner {
    id: fn() -> TypeId,
    name: fn() -> &'static str,
}

/// The configuration that an attribute names with `config = Type`.
#[must_use]
pub const fn owner<T: RabbitConfiguration>() -> Owner {
    owner_of_method::<T>()
}

/// The configuration that a method belongs to. It has no bound: `#[rabbit_config]` on the `impl` block checks the type once.
#[must_use]
pub const fn owner_of_method<T: 'static>() -> Owner {
    Owner {
        id: TypeId::of::<T>,
        name: type_name::<T>,
    }
}

impl Owner {
    /// The configuration's type.
    #[must_use]
    pub fn id(&self) -> TypeId {
        (self.id)()
    }

    /// The configuration's type name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        (self.name)()
    }
}

impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Owner {}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({})", self.name())
    }
}
