//! Duplicates and contradictions.

use crate::error::{Fault, Faults, Place};

/// Each named thing once. The same thing said again is dropped; a different one of that name is a
/// fault that gives both places.
pub(super) fn merge<T: Clone + PartialEq>(
    what: &str,
    things: &[T],
    name: impl Fn(&T) -> &str,
    place: impl Fn(&T) -> &Place,
    faults: &mut Faults,
) -> Vec<T> {
    let mut kept: Vec<T> = Vec::with_capacity(things.len());
    for thing in things {
        match kept.iter().find(|known| name(known) == name(thing)) {
            None => kept.push(thing.clone()),
            Some(known) if known == thing => {}
            Some(known) => {
                let sentence = format!(
                    "{what} `{}` is declared here and, differently, at {}",
                    name(thing),
                    place(known)
                );
                faults.push(Fault::new(place(thing).clone(), sentence).fix("keep one of the two"));
            }
        }
    }
    kept
}
