//! Where a declarable was written, taken from the caller.

use std::panic::Location;

use crate::error::Place;

/// The place of the caller of the function that is marked `#[track_caller]`.
#[track_caller]
pub(super) fn caller() -> Place {
    let caller = Location::caller();
    let number = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    Place::file(
        caller.file(),
        number(caller.line()),
        number(caller.column()),
    )
}
