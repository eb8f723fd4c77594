//! Which room a file belongs to, and what is to be said against an import.

pub(crate) mod imports;
pub(crate) mod table;

use std::path::Path;

use imports::{Import, Target};
use table::{ROOT_FILES, grants};

/// The crates that not every room may name, and the rooms that may.
const CRATES: [(&str, &[&str]); 2] = [
    ("lapin", &["transport"]),
    ("rmq_embedded", &["transport", "testing"]),
];

/// The module path of a file below `src`; empty for the root of the crate.
pub(crate) fn place_of(file: &Path) -> Vec<String> {
    let mut place: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if place.last().is_some_and(|last| last == "mod") {
        place.pop();
    }
    if place
        .first()
        .is_some_and(|first| ROOT_FILES.contains(&first.as_str()))
    {
        place.clear();
    }
    place
}

/// Why `room` may not have `import`; `None` where it may.
pub(crate) fn objection(room: &str, import: &Import) -> Option<String> {
    match &import.target {
        Target::Crate(name) => {
            let (_, rooms) = CRATES.iter().find(|(guarded, _)| guarded == name)?;
            (!rooms.contains(&room)).then(|| format!("`{room}` names {name}: only {rooms:?} may"))
        }
        Target::Own(name) if name == room => None,
        Target::Own(name) => {
            if grants(name).is_none() {
                return Some(format!(
                    "`{room}` takes `crate::{name}`: say the room it lives in"
                ));
            }
            let granted = grants(room).unwrap_or_default();
            (!granted.contains(&name.as_str()))
                .then(|| format!("`{room}` imports `{name}`, which the table does not grant it"))
        }
    }
}
