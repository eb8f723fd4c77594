//! Reads values by the table: the type, the range and the default of each are the table's.

use std::collections::BTreeSet;
use std::time::Duration;

use super::duration;
use super::key::{nearest, uniform};
use super::origin::{Origin, Setting};
use super::property::{Kind, Preset, Property};
use super::secret::Secret;
use super::size;
use super::table;
use super::tree::Shape;
use super::values::{Found, Values};
use crate::error::{Fault, Faults, Place};

/// Reads the values below one path.
pub(super) struct Reader<'r> {
    pub(super) values: &'r Values,
    /// The path in the table, with a dot at its end unless it is empty.
    pub(super) pattern: String,
    /// The same in the values, with chosen names.
    pub(super) path: String,
    /// The same as messages show it, with names as they were written.
    pub(super) shown: String,
    pub(super) faults: &'r mut Faults,
    /// Every property that was asked for, so that a test can tell that none is ignored.
    pub(super) asked: &'r mut BTreeSet<String>,
}

impl<'r> Reader<'r> {
    /// A reader of everything in `values`.
    pub(super) fn new(
        values: &'r Values,
        faults: &'r mut Faults,
        asked: &'r mut BTreeSet<String>,
    ) -> Self {
        Self {
            values,
            pattern: String::new(),
            path: String::new(),
            shown: values.prefix.clone(),
            faults,
            asked,
        }
    }

    /// A reader of one section.
    pub(super) fn section(&mut self, name: &str) -> Reader<'_> {
        self.named_section(name, name, name)
    }

    /// A reader of one section whose name is the user's.
    pub(super) fn named_section(&mut self, pattern: &str, path: &str, shown: &str) -> Reader<'_> {
        Reader {
            values: self.values,
            pattern: format!("{}{pattern}.", self.pattern),
            path: format!("{}{path}.", self.path),
            shown: format!("{}{shown}.", self.shown),
            faults: self.faults,
            asked: self.asked,
        }
    }

    /// What was said of a property, unread.
    pub(super) fn found(&mut self, name: &str) -> Option<&'r Found> {
        self.asked.insert(format!("{}{name}", self.pattern));
        self.values.found.get(&format!("{}{name}", self.path))
    }

    /// Whether a property was said, and where.
    pub(super) fn said(&mut self, name: &str) -> Option<Origin> {
        self.found(name).map(|found| found.origin.clone())
    }

    /// The path of a property as messages show it.
    pub(super) fn shown(&self, name: &str) -> String {
        format!("{}{name}", self.shown).replace("[]", "")
    }

    /// Reports a fault about a property at the place where it was said.
    pub(super) fn fault(&mut self, name: &str, what: &str, fix: &str) {
        let place = self.said(name).and_then(|origin| origin.place().cloned());
        let place = place.unwrap_or_else(|| Place::Elsewhere("the default settings".to_owned()));
        let sentence = format!("`{}` {what}", self.shown(name));
        self.faults.push(Fault::new(place, sentence).fix(fix));
    }

    fn property(&mut self, name: &str) -> Option<&'static Property> {
        let path = format!("{}{name}", self.pattern);
        let property = table::find(&path);
        debug_assert!(property.is_some(), "{path} is not in the table");
        property
    }

    /// What was said, else the default of the table, else nothing.
    pub(super) fn read<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str, Kind) -> Option<T>,
    ) -> Option<Setting<T>> {
        let property = self.property(name)?;
        if let Some(found) = self.found(name) {
            let text = match &found.node.shape {
                Shape::Scalar { text, .. } => text.as_str(),
                _ => "",
            };
            if let Some(value) = parse(text, property.kind) {
                return Some(Setting {
                    value,
                    origin: found.origin.clone(),
                });
            }
            self.wrong(name, property, text);
        }
        match property.default {
            Preset::Is(text) => parse(text, property.kind).map(Setting::default_of),
            Preset::Unset(_) => None,
        }
    }

    fn wrong(&mut self, name: &str, property: &Property, text: &str) {
        let what = format!("must be {}", property.kind.expected());
        let near = match property.kind {
            Kind::Choice(names) => nearest(text, names.iter().copied()),
            _ => None,
        };
        let near = near.map(|name| format!("did you mean `{name}`?"));
        // Kubernetes sets RABBIT_PORT=tcp://... in every pod beside a service named `rabbit`.
        let link = text.starts_with("tcp://").then_some(
            "a Kubernetes service named `rabbit` sets such variables: say `enableServiceLinks: false`",
        );
        let fix = near
            .as_deref()
            .or(link)
            .unwrap_or("correct it, or leave it out for the default");
        self.fault(name, &what, fix);
    }

    /// Text, as written.
    pub(super) fn text(&mut self, name: &str) -> Option<Setting<String>> {
        self.read(name, |text, _| Some(text.to_owned()))
    }

    /// Text that is not empty.
    pub(super) fn word(&mut self, name: &str) -> Option<Setting<String>> {
        let text = self.text(name)?;
        if text.is_empty() {
            self.fault(name, "is empty", "give it a value, or leave it out");
            return None;
        }
        Some(text)
    }

    pub(super) fn secret(&mut self, name: &str) -> Option<Setting<Secret>> {
        self.read(name, |text, _| Some(Secret::new(text)))
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<Setting<bool>> {
        self.read(name, |text, _| flag(text))
    }

    pub(super) fn whole<T: TryFrom<u64>>(&mut self, name: &str) -> Option<Setting<T>> {
        self.read(name, |text, kind| {
            let number: u64 = text.trim().parse().ok()?;
            let Kind::Whole { min, max } = kind else {
                return None;
            };
            (min..=max)
                .contains(&number)
                .then(|| T::try_from(number).ok())?
        })
    }

    pub(super) fn signed(&mut self, name: &str) -> Option<Setting<i32>> {
        self.read(name, |text, _| text.trim().parse().ok())
    }

    pub(super) fn decimal(&mut self, name: &str) -> Option<Setting<f64>> {
        self.read(name, |text, kind| {
            let number: f64 = text.trim().parse().ok()?;
            let Kind::Decimal { min } = kind else {
                return None;
            };
            (number.is_finite() && number >= min).then_some(number)
        })
    }

    pub(super) fn duration(&mut self, name: &str) -> Option<Setting<Duration>> {
        self.read(name, |text, kind| {
            let Kind::Duration { unit, zero } = kind else {
                return None;
            };
            duration::parse(text, unit).filter(|duration| !duration.is_zero() || !zero.is_empty())
        })
    }

    pub(super) fn size(&mut self, name: &str) -> Option<Setting<u64>> {
        self.read(name, |text, kind| {
            let Kind::Size { min, max } = kind else {
                return None;
            };
            size::parse(text).filter(|bytes| (min..=max).contains(bytes))
        })
    }

    /// One of the names of the table, mapped by `values`.
    pub(super) fn choice<T: Copy>(
        &mut self,
        name: &str,
        values: &[(&str, T)],
    ) -> Option<Setting<T>> {
        self.read(name, |text, _| {
            let known = values
                .iter()
                .find(|(known, _)| uniform(known) == uniform(text));
            known.map(|(_, value)| *value)
        })
    }

    /// A list, or text with commas; without blanks and empty items.
    pub(super) fn words(&mut self, name: &str) -> Option<Setting<Vec<String>>> {
        let found = self.found(name)?;
        let texts: Vec<&str> = match &found.node.shape {
            Shape::List(items) => items
                .iter()
                .filter_map(|item| match &item.shape {
                    Shape::Scalar { text, .. } => Some(text.as_str()),
                    _ => None,
                })
                .collect(),
            Shape::Scalar { text, .. } => text.split(',').collect(),
            Shape::Map(_) => Vec::new(),
        };
        let words = texts
            .into_iter()
            .map(str::trim)
            .filter(|word| !word.is_empty());
        let value: Vec<String> = words.map(str::to_owned).collect();
        if value.is_empty() {
            self.fault(name, "is an empty list", "give it a value, or leave it out");
            return None;
        }
        Some(Setting {
            value,
            origin: found.origin.clone(),
        })
    }
}

fn flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Some(true),
        "false" | "off" | "no" | "0" => Some(false),
        _ => None,
    }
}
