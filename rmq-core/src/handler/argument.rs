use std::fmt;
use std::marker::PhantomData;

use super::Rejection;
use crate::component::ComponentType;

/// What an argument is, for checks at start and for the report.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArgumentKind {
    /// The body, read as this type by the converter.
    Payload {
        /// The type's name.
        type_name: &'static str,
    },
    /// A header's value.
    Header {
        /// The header's name.
        header: &'static str,
        /// The type's name.
        type_name: &'static str,
    },
    /// A component: without it the configuration cannot start.
    Component(ComponentType),
    /// The acknowledger: only in manual mode.
    Acknowledger,
    /// Any other part of the delivery or the call.
    Part {
        /// The type's name.
        type_name: &'static str,
    },
}

/// An argument of a function that this crate calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentFacts {
    /// Its name in the source; `self` for the configuration.
    pub name: &'static str,
    /// What it is.
    pub kind: ArgumentKind,
}

/// How one argument is taken from a call `C`. It has no bound on purpose: see the module's text.
pub struct Argument<T, Via, C> {
    pub(super) name: &'static str,
    pub(super) key: &'static str,
    pub(super) read: fn(&Self, &C) -> Result<T, Rejection>,
    pub(super) kind: fn(&Self) -> ArgumentKind,
    pub(super) via: PhantomData<fn() -> Via>,
}

impl<T, Via, C> Argument<T, Via, C> {
    pub(crate) const fn new(
        name: &'static str,
        key: &'static str,
        read: fn(&Self, &C) -> Result<T, Rejection>,
        kind: fn(&Self) -> ArgumentKind,
    ) -> Self {
        Self {
            name,
            key,
            read,
            kind,
            via: PhantomData,
        }
    }

    /// Its name in the source.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn facts(&self) -> ArgumentFacts {
        ArgumentFacts {
            name: self.name,
            kind: (self.kind)(self),
        }
    }
}

impl<T, Via, C> fmt::Debug for Argument<T, Via, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.facts().fmt(f)
    }
}
