//! Walking down the table by the keys of a file.

use super::key::uniform;
use super::origin::Origin;
use super::property::Property;
use super::table;
use super::values::Chosen;

/// A place in the table.
#[derive(Debug, Clone)]
pub(super) struct Path {
    /// Of which broker.
    pub(super) broker: Option<Chosen>,
    /// At `brokers` itself, where names of brokers stand.
    pub(super) at_brokers: bool,
    /// The path in the table, with `*`.
    pub(super) pattern: String,
    /// The path of the value, with the uniform form of a chosen name.
    pub(super) path: String,
    /// The path as messages show it.
    pub(super) shown: String,
    /// The listener's id, below `listeners.<id>`.
    pub(super) listener: Option<Chosen>,
}

impl Path {
    /// The top: right below `rabbitmq:`, or in an item of a list such as `topology.queues[]`.
    pub(super) fn top(pattern: &str) -> Self {
        Self {
            broker: None,
            at_brokers: false,
            pattern: pattern.to_owned(),
            path: pattern.to_owned(),
            shown: pattern.trim_end_matches("[]").to_owned(),
            listener: None,
        }
    }

    /// Whether names that the user chooses stand right below.
    pub(super) fn takes_names(&self) -> bool {
        self.at_brokers || self.pattern == "listeners"
    }

    /// The property here, if it is one.
    pub(super) fn property(&self) -> Option<&'static Property> {
        if self.at_brokers {
            None
        } else {
            table::find(&self.pattern)
        }
    }

    /// The names of the table that may stand right below.
    pub(super) fn names(&self) -> Vec<&'static str> {
        if self.takes_names() {
            return Vec::new();
        }
        let mut names = table::below(&self.pattern);
        if self.pattern.is_empty() && self.broker.is_none() {
            names.push("brokers");
        }
        names
    }

    /// One step down; `None` if there is nothing of that name.
    pub(super) fn child(&self, name: &str, origin: &Origin) -> Option<Self> {
        let mut next = self.clone();
        let chosen = || Chosen {
            name: name.to_owned(),
            origin: origin.clone(),
        };
        if self.at_brokers {
            next.at_brokers = false;
            next.broker = Some(chosen());
            next.shown = format!("{}.{name}", self.shown);
            return Some(next);
        }
        if self.pattern == "listeners" {
            next.listener = Some(chosen());
            next.go("*", &uniform(name), name);
            return Some(next);
        }
        let known = self
            .names()
            .into_iter()
            .find(|known| uniform(known) == uniform(name))?;
        if known == "brokers" {
            next.at_brokers = true;
            next.shown = known.to_owned();
        } else {
            next.go(known, known, known);
        }
        Some(next)
    }

    fn go(&mut self, pattern: &str, path: &str, shown: &str) {
        for (whole, part) in [
            (&mut self.pattern, pattern),
            (&mut self.path, path),
            (&mut self.shown, shown),
        ] {
            if !whole.is_empty() {
                whole.push('.');
            }
            whole.push_str(part);
        }
    }
}
