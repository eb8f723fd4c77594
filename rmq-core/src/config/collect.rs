//! From a section of a file to values by path: unknown names, duplicates, and what is refused.

use std::collections::BTreeMap;

use super::key::{nearest, shown, uniform};
use super::origin::Origin;
use super::path::Path;
use super::property::{Kind, Property, Verdict};
use super::table;
use super::tree::{Entry, Node, Shape, Spot};
use super::values::{AllValues, Found};
use crate::error::{Fault, Faults, Place};

/// Collects the values of one section of one document.
pub(super) struct Collector<'c> {
    pub(super) file: &'c str,
    pub(super) layer: usize,
    pub(super) values: &'c mut AllValues,
    pub(super) faults: &'c mut Faults,
}

impl Collector<'_> {
    /// Takes the content of a section that stands at `path`.
    pub(super) fn section(&mut self, entries: &[Entry], path: &Path, told: bool) {
        let mut seen: BTreeMap<String, Spot> = BTreeMap::new();
        for entry in entries {
            let parts = segments(entry, path);
            let id = parts
                .iter()
                .map(|part| uniform(part))
                .collect::<Vec<_>>()
                .join(".");
            let first = *seen.entry(id).or_insert(entry.spot);
            let again = first != entry.spot;
            if again && !told {
                self.duplicate(entry, first, path);
            }
            self.step(&parts, entry, path, told || again);
        }
    }

    /// Follows the parts of one key down from `path`, then takes its value.
    pub(super) fn step(&mut self, parts: &[&str], entry: &Entry, path: &Path, told: bool) {
        let Some((part, rest)) = parts.split_first() else {
            return self.value(entry, path, told);
        };
        match path.child(part, &Origin::Settings(self.place(entry.spot))) {
            Some(next) => self.step(rest, entry, &next, told),
            None => self.unknown(part, rest.is_empty(), entry, path),
        }
    }

    fn value(&mut self, entry: &Entry, path: &Path, told: bool) {
        if let Some(broker) = &path.broker {
            let chosen = broker.clone();
            self.values.of(Some(&chosen));
        }
        if let Some(listener) = &path.listener {
            let values = self.values.of(path.broker.as_ref());
            values
                .listeners
                .entry(uniform(&listener.name))
                .or_insert_with(|| listener.clone());
        }
        let Some(property) = path.property() else {
            return self.subsection(entry, path, told);
        };
        let node = &entry.value;
        if let Some(fault) = refusal(property, &path.shown, node, self.place(entry.spot)) {
            // Without a property that is not supported all else is as it was meant.
            if matches!(property.verdict, Verdict::Renamed { .. }) {
                self.doubt(path);
            }
            return self.faults.push(fault);
        }
        if property.verdict != Verdict::Works {
            return;
        }
        if let Some(wrong) = wrong_shape(property, &path.shown, node) {
            let place = self.place(if node.is_empty() {
                entry.spot
            } else {
                node.spot
            });
            self.doubt(path);
            return self.faults.push(Fault::new(place, wrong));
        }
        self.keep(entry, path, told);
    }

    fn keep(&mut self, entry: &Entry, path: &Path, told: bool) {
        let found = Found {
            node: entry.value.clone(),
            origin: Origin::Settings(self.place(entry.value.spot)),
            file: Some(self.file.to_owned()),
            layer: self.layer,
        };
        let values = self.values.of(path.broker.as_ref());
        let before = values.found.insert(path.path.clone(), found);
        if let Some(before) = before.filter(|before| before.layer == self.layer && !told) {
            self.duplicate(entry, before.node.spot, path);
        }
    }

    fn subsection(&mut self, entry: &Entry, path: &Path, told: bool) {
        match &entry.value.shape {
            Shape::Map(entries) => self.section(entries, path, told),
            // A section whose lines are all commented out.
            _ if entry.value.is_empty() => {}
            _ => {
                let sentence = format!(
                    "`{}` is a section, and here is {}",
                    path.shown,
                    entry.value.kind()
                );
                self.doubt(path);
                self.faults
                    .push(Fault::new(self.place(entry.value.spot), sentence));
            }
        }
    }

    /// What stands here was not read as it was meant.
    pub(super) fn doubt(&mut self, path: &Path) {
        let values = self.values.of(path.broker.as_ref());
        values.doubts.add(&path.path);
    }

    /// `path` is that of the section.
    pub(super) fn duplicate(&mut self, entry: &Entry, first: Spot, path: &Path) {
        self.doubt(path);
        let name = shown(&entry.key).map(|name| format!("`{name}`"));
        let name = name.unwrap_or_else(|| "a name".to_owned());
        let sentence = format!("{name} is given twice, first at {first}");
        self.faults
            .push(Fault::new(self.place(entry.spot), sentence).fix("keep one of the two"));
    }

    fn unknown(&mut self, part: &str, last: bool, entry: &Entry, path: &Path) {
        // A section of an unknown name may be any of those here; a single value is none of them.
        if !last || !matches!(entry.value.shape, Shape::Scalar { .. }) || path.listener.is_some() {
            self.doubt(path);
        }
        let within = if path.shown.is_empty() {
            "rabbitmq"
        } else {
            path.shown.as_str()
        };
        let sentence = match shown(part) {
            Some(name) => format!("`{name}` is not a property of `{within}`"),
            None => format!("a name here is not a property of `{within}`"),
        };
        let fault = Fault::new(self.place(entry.spot), sentence);
        self.faults.push(match meant(part, path) {
            Some(name) => fault.fix(format!("did you mean `{name}`?")),
            None => fault.fix("docs/properties.md lists every property"),
        });
    }

    fn place(&self, spot: Spot) -> Place {
        Place::file(self.file, spot.line, spot.column)
    }
}

/// The parts of a key between its dots. A name that the user chooses may be quoted, or stand in
/// brackets, to keep its dots.
fn segments<'e>(entry: &'e Entry, path: &Path) -> Vec<&'e str> {
    let bare = entry
        .key
        .strip_prefix('[')
        .and_then(|key| key.strip_suffix(']'));
    match bare {
        Some(bare) => vec![bare],
        None if entry.quoted && path.takes_names() => vec![&entry.key],
        None => entry.key.split('.').collect(),
    }
}

/// The name that was probably meant: one of this section, or the same one of another.
fn meant(part: &str, path: &Path) -> Option<String> {
    let names = path.names();
    if let Some(name) = nearest(part, names.iter().copied()).or_else(|| begun(part, &names)) {
        return Some(name.to_owned());
    }
    let elsewhere = table::all().iter().find(|property| {
        let last = property.path.rsplit('.').next().unwrap_or_default();
        let single = !property.path.contains('[') && property.verdict == Verdict::Works;
        single && uniform(last) == uniform(part)
    });
    elsewhere.map(|property| property.path.clone())
}

/// The one name that begins so: `ack`, as the attribute says it, is `acknowledge-mode` here.
fn begun<'n>(part: &str, names: &[&'n str]) -> Option<&'n str> {
    let part = uniform(part);
    let mut begin = names.iter().filter(|name| uniform(name).starts_with(&part));
    match (begin.next(), begin.next()) {
        (Some(name), None) if part.len() >= 3 => Some(name),
        _ => None,
    }
}

/// Why a property cannot be set to this.
pub(super) fn refusal(
    property: &Property,
    shown: &str,
    node: &Node,
    place: Place,
) -> Option<Fault> {
    match property.verdict {
        Verdict::Works => None,
        Verdict::Renamed { to, note } => {
            let name = if to.contains('.') {
                to.to_owned()
            } else {
                beside(shown, to)
            };
            let note = if note.is_empty() {
                String::new()
            } else {
                format!("; {note}")
            };
            let fault = Fault::new(place, format!("`{shown}` is now called `{name}`"));
            Some(fault.fix(format!("write `{name}`{note}")))
        }
        Verdict::Refused { except, note } => {
            let allowed = matches!((&node.shape, except), (Shape::Scalar { text, .. }, Some(except))
                if text.trim().eq_ignore_ascii_case(except));
            let only = except
                .map(|except| format!(", except as `{except}`"))
                .unwrap_or_default();
            let sentence = format!("`{shown}` is not supported yet{only}: {note}");
            (!allowed).then(|| Fault::new(place, sentence).fix("leave it out"))
        }
    }
}

/// A name in the same section as another.
fn beside(shown: &str, name: &str) -> String {
    shown
        .rsplit_once('.')
        .map_or(name.to_owned(), |(section, _)| format!("{section}.{name}"))
}

/// Why a node cannot be the value of a property, whatever its text.
fn wrong_shape(property: &Property, shown: &str, node: &Node) -> Option<String> {
    if node.is_empty() {
        return Some(format!(
            "`{shown}` has no value: give it one, or leave it out"
        ));
    }
    let fits = match (property.kind, &node.shape) {
        (Kind::Sections, Shape::List(_)) | (Kind::Arguments, Shape::Map(_)) => true,
        (Kind::Sections | Kind::Arguments, _) => false,
        (Kind::Words, Shape::List(items)) => items
            .iter()
            .all(|item| matches!(item.shape, Shape::Scalar { .. })),
        (_, Shape::Scalar { .. }) => true,
        _ => false,
    };
    (!fits).then(|| {
        format!(
            "`{shown}` is {}, and here is {}",
            property.kind.expected(),
            node.kind()
        )
    })
}
