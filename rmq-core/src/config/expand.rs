//! Placeholders of the values that count.

use std::collections::BTreeMap;

use super::placeholder::{Unresolved, expand};
use super::tree::{Node, Shape, Spot};
use super::values::AllValues;
use crate::error::{Fault, Faults, Place};

/// Fills in the placeholders of every value from a file. A value from the environment is taken
/// as it is: a password may hold `${`.
pub(super) fn expand_all(
    values: &mut AllValues,
    environment: &BTreeMap<String, String>,
    faults: &mut Faults,
) {
    for values in values.each() {
        // What could not be filled in is taken out: one mistake, one fault.
        let doubts = &mut values.doubts;
        values.found.retain(|path, found| {
            let whole = match &found.file {
                None => true,
                Some(file) => expand_node(&mut found.node, file, environment, faults),
            };
            if !whole {
                doubts.add(path);
            }
            whole
        });
    }
}

fn expand_node(
    node: &mut Node,
    file: &str,
    environment: &BTreeMap<String, String>,
    faults: &mut Faults,
) -> bool {
    let spot = node.spot;
    match &mut node.shape {
        Shape::List(items) => every(items, |item| expand_node(item, file, environment, faults)),
        Shape::Map(entries) => every(entries, |entry| {
            expand_node(&mut entry.value, file, environment, faults)
        }),
        Shape::Scalar { text, quoted } => match expand(text, environment) {
            Ok(expanded) => {
                *text = expanded;
                true
            }
            Err(missing) => {
                missing
                    .iter()
                    .for_each(|one| faults.push(fault(one, spot, *quoted, file)));
                false
            }
        },
    }
}

/// Whether `holds` for each, asked of each: unlike `all`, it goes on behind the first that fails.
fn every<T>(things: &mut [T], mut holds: impl FnMut(&mut T) -> bool) -> bool {
    let mut whole = true;
    for thing in things {
        whole &= holds(thing);
    }
    whole
}

fn fault(unresolved: &Unresolved, spot: Spot, quoted: bool, file: &str) -> Fault {
    let place =
        |offset: usize| Place::file(file, spot.line, spot.column + offset + usize::from(quoted));
    match unresolved {
        Unresolved::NotClosed { offset } => Fault::new(
            place(*offset),
            "this placeholder is not closed, or nests too deep",
        )
        .fix("write ${NAME} or ${NAME:default}"),
        Unresolved::NotSet { name, offset } if is_variable(name) => Fault::new(
            place(*offset),
            format!("the variable {name} is not set, and its placeholder has no default"),
        )
        .fix(format!("set {name}, or write ${{{name}:default}}")),
        Unresolved::NotSet { offset, .. } => Fault::new(
            place(*offset),
            "this placeholder names no environment variable that is set, and has no default",
        )
        .fix("write ${NAME:default}"),
    }
}

/// Whether this is how variables are named. Anything else may be a part of a password, and is not
/// shown.
fn is_variable(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    !name.is_empty() && name.chars().all(letter)
}
