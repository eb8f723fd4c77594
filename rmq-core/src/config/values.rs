//! What was said, by path, before it is read as anything.

use std::collections::BTreeMap;

use super::doubts::Doubts;
use super::origin::Origin;
use super::tree::Node;

/// One value that was said.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) node: Node,
    pub(super) origin: Origin,
    /// The file, to give places inside the node; `None` for a variable.
    pub(super) file: Option<String>,
    /// A later layer replaces an earlier one. The environment is the last.
    pub(super) layer: usize,
}

/// A name that the user chose: as written, and where.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub(super) name: String,
    pub(super) origin: Origin,
}

/// The values of one broker. Keys are table paths, with the chosen name in its uniform form
/// where the table has `*`.
#[derive(Debug, Clone, Default)]
pub(super) struct Values {
    /// How messages begin a path: empty, or `brokers.<name>.`.
    pub(super) prefix: String,
    pub(super) found: BTreeMap<String, Found>,
    /// The ids below `listeners`, by their uniform form.
    pub(super) listeners: BTreeMap<String, Chosen>,
    /// What was said and is not among `found`.
    pub(super) doubts: Doubts,
}

/// The values of all brokers of a configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct AllValues {
    pub(super) main: Values,
    /// By the uniform form of their names.
    pub(super) brokers: BTreeMap<String, (Chosen, Values)>,
    /// Whether a file could not be read whole, so that anything may be missing.
    pub(super) incomplete: bool,
}

impl AllValues {
    /// The values of a broker; the main ones without a name.
    pub(super) fn of(&mut self, broker: Option<&Chosen>) -> &mut Values {
        let Some(chosen) = broker else {
            return &mut self.main;
        };
        let entry = self.brokers.entry(super::key::uniform(&chosen.name));
        let (_, values) = entry.or_insert_with(|| {
            let prefix = format!("brokers.{}.", chosen.name);
            (
                chosen.clone(),
                Values {
                    prefix,
                    ..Values::default()
                },
            )
        });
        values
    }

    /// Every broker's values.
    pub(super) fn each(&mut self) -> impl Iterator<Item = &mut Values> {
        std::iter::once(&mut self.main).chain(self.brokers.values_mut().map(|(_, values)| values))
    }
}
