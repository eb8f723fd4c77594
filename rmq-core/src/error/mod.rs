//! What failing looks like everywhere in the house.
//!
//! Each operation has an error of its own with a small kind enum. [`Error`] erases them for `main` and for `?`.

mod erased;
mod fault;

pub use erased::{Error, OperationError};
pub use fault::{Fault, Faults, Place};

/// Any error that can cross threads: what handlers return, what sources are kept as.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;
