//! The house as data, ground floor first: each room with the rooms it may import.

use std::collections::BTreeMap;

/// Files of the root, which may name every room: they hold the public names and no code.
pub(crate) const ROOT_FILES: [&str; 4] = ["lib", "prelude", "__private", "private"];

/// Each room stands after all that it imports.
pub(crate) const ROOMS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("name", &["error"]),
    ("time", &["error"]),
    ("message", GROUND_BELOW_MESSAGE),
    ("component", GROUND),
    ("converter", GROUND),
    ("observability", GROUND),
    ("topology", GROUND),
    ("config", &["error", "name", "time", "message", "topology"]),
    ("handler", FIRST),
    ("registry", WITH_HANDLER),
    ("transport", FIRST),
    ("connection", WITH_TRANSPORT),
    ("admin", WITH_CONNECTION),
    ("template", WITH_CONNECTION),
    ("listener", WITH_TEMPLATE),
    ("app", WITH_LISTENER),
    ("testing", WITH_APP),
];

const GROUND_BELOW_MESSAGE: &[&str] = &["error", "name", "time"];
const GROUND: &[&str] = &["error", "name", "time", "message"];
const FIRST: &[&str] = &[
    "error",
    "name",
    "time",
    "message",
    "component",
    "converter",
    "observability",
    "topology",
    "config",
];
const WITH_HANDLER: &[&str] = &[
    "error",
    "name",
    "time",
    "message",
    "component",
    "converter",
    "observability",
    "topology",
    "config",
    "handler",
];
const WITH_TRANSPORT: &[&str] = &[
    "error",
    "name",
    "time",
    "message",
    "component",
    "converter",
    "observability",
    "topology",
    "config",
    "handler",
    "registry",
    "transport",
];
const WITH_CONNECTION: &[&str] = &[
    "error",
    "name",
    "time",
    "message",
    "component",
    "converter",
    "observability",
    "topology",
    "config",
    "handler",
    "registry",
    "transport",
    "connection",
];
const WITH_TEMPLATE: &[&str] = &[
    "error",
    "name",
    "time",
    "message",
    "component",
    "converter",
    "observability",
    "topology",
    "config",
    "handler",
    "registry",
    "transport",
    "connection",
    "admin",
    "template",
];
const WITH_LISTENER: &[&str] = &[
    "error",
    "name",
    "time",
    "message",
    "component",
    "converter",
    "observability",
    "topology",
    "config",
    "handler",
    "registry",
    "transport",
    "connection",
    "admin",
    "template",
    "listener",
];
const WITH_APP: &[&str] = &[
    "error",
    "name",
    "time",
    "message",
    "component",
    "converter",
    "observability",
    "topology",
    "config",
    "handler",
    "registry",
    "transport",
    "connection",
    "admin",
    "template",
    "listener",
    "app",
];

/// What a room may import; `None` if there is no such room.
pub(crate) fn grants(room: &str) -> Option<&'static [&'static str]> {
    ROOMS
        .iter()
        .find(|(name, _)| *name == room)
        .map(|(_, granted)| *granted)
}

/// The table of `ARCHITECTURE.md`: the rows whose first cell is one name in code style.
pub(crate) fn read(page: &str) -> BTreeMap<String, Vec<String>> {
    let mut rows = BTreeMap::new();
    for line in page.lines() {
        let cells: Vec<&str> = line
            .trim()
            .trim_matches('|')
            .split('|')
            .map(str::trim)
            .collect();
        let [room, imports, _] = cells.as_slice() else {
            continue;
        };
        let Some(room) = room
            .strip_prefix('`')
            .and_then(|rest| rest.strip_suffix('`'))
        else {
            continue;
        };
        let listed = imports
            .split(',')
            .map(|one| one.trim().trim_matches('`').to_owned());
        let mut listed: Vec<String> = listed.filter(|one| !one.is_empty()).collect();
        listed.sort();
        rows.insert(room.to_owned(), listed);
    }
    rows
}
