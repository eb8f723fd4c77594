//! Which parts of the settings hold faults.

use std::collections::BTreeSet;

/// The paths at which something could not be read as it was meant. The values there are defaults or missing, so a
/// check that rests on them would tell a consequence of a fault that is told already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Doubts(BTreeSet<String>);

impl Doubts {
    /// Something at this path, or anywhere below it, was not read. The empty path is everything.
    pub(crate) fn add(&mut self, path: impl Into<String>) {
        self.0.insert(path.into());
    }

    /// Whether a part of the settings may lack something that was said.
    pub(crate) fn touch(&self, part: &str) -> bool {
        let within = |inner: &str, outer: &str| {
            let rest = inner.strip_prefix(outer);
            outer.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let mut paths = self.0.iter();
        paths.any(|path| within(path, part) || within(part, path))
    }
}
