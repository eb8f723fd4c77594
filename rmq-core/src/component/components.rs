use std::any::{Any, TypeId, type_name};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A component's type: its identity, and its name for people.
#[derive(Clone, Copy)]
pub struct ComponentType {
    id: TypeId,
    name: &'static str,
}

impl ComponentType {
    /// The component type of a Rust type.
    #[must_use]
    pub fn of<T: ?Sized + 'static>() -> Self {
        Self {
            id: TypeId::of::<T>(),
            name: type_name::<T>(),
        }
    }

    /// Its identity.
    #[must_use]
    pub const fn id(self) -> TypeId {
        self.id
    }

    /// Its name as Rust writes it, for reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl PartialEq for ComponentType {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for ComponentType {}

impl fmt::Debug for ComponentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for ComponentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

type Shared = Arc<dyn Any + Send + Sync>;

/// One value of each type, shared by all handlers of a configuration. Cheap to clone; a clone that is changed is
/// a copy of its own.
#[derive(Clone, Default)]
pub struct Components {
    // Looked up for every message that a handler or callback takes: a handful is found faster without a hash.
    by_type: Arc<BTreeMap<TypeId, (&'static str, Shared)>>,
}

impl Components {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a component. Gives `false`, and keeps the earlier one, if there is one of this type.
    pub fn insert<T: Send + Sync + 'static>(&mut self, component: Arc<T>) -> bool {
        self.insert_erased(ComponentType::of::<T>(), component)
    }

    pub(crate) fn insert_erased(&mut self, kind: ComponentType, component: Shared) -> bool {
        if self.contains(kind) {
            return false;
        }
        Arc::make_mut(&mut self.by_type).insert(kind.id, (kind.name, component));
        true
    }

    /// The component of a type.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let (_, component) = self.by_type.get(&TypeId::of::<T>())?;
        Arc::clone(component).downcast().ok()
    }

    /// Whether there is a component of a type.
    #[must_use]
    pub fn contains(&self, kind: ComponentType) -> bool {
        self.by_type.contains_key(&kind.id)
    }

    /// The names of all types there are, sorted.
    #[must_use]
    pub fn type_names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.by_type.values().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names
    }
}

impl fmt::Debug for Components {
    /// Types only: a component may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.type_names()).finish()
    }
}
