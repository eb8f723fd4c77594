//! What handlers share: values by type.

mod components;

pub use components::{ComponentType, Components};
