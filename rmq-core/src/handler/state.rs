use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::context::component;
use super::{ComponentSource, Rejection};

/// A component: an argument of listeners, callbacks and `#[component]` methods.
///
/// It comes from `builder().state(..)` or from a `#[component]` method; a start without it is refused.
pub struct State<T: ?Sized>(pub Arc<T>);

impl<T: Send + Sync + 'static> State<T> {
    pub(crate) fn from_source(
        argument: &'static str,
        call: &impl ComponentSource,
    ) -> Result<Self, Rejection> {
        component(argument, call).map(Self)
    }
}

impl<T: ?Sized> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> From<T> for State<T> {
    fn from(component: T) -> Self {
        Self(Arc::new(component))
    }
}

impl<T: ?Sized> fmt::Debug for State<T> {
    /// The type only: a component may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State<{}>", std::any::type_name::<T>())
    }
}
