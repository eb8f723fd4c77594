//! Where a value comes from.

use std::fmt;
use std::ops::Deref;

use crate::error::Place;

/// Where the value of a property was said, for faults and for the start report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origin {
    /// Nowhere: it is our default.
    #[default]
    Default,
    /// At a place in a settings file, or by an environment variable.
    Settings(Place),
    /// In an attribute in the code.
    Attribute(Place),
}

impl Origin {
    /// The place, if the value was said anywhere.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Default => None,
            Self::Settings(place) | Self::Attribute(place) => Some(place),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place() {
            None => f.write_str("default"),
            Some(place) => place.fmt(f),
        }
    }
}

/// A value and where it was said. It reads as the value itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it was said.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// A value that nobody said.
    pub fn default_of(value: T) -> Self {
        Self {
            value,
            origin: Origin::Default,
        }
    }

    /// A value from an attribute at a place in the code.
    pub fn attribute(value: T, place: Place) -> Self {
        Self {
            value,
            origin: Origin::Attribute(place),
        }
    }
}

impl<T> Deref for Setting<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
