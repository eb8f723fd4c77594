use std::fmt;

use crate::error::Place;

/// Where an attribute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The path of the module, which begins with the crate's name.
    pub module: &'static str,
    /// The source file, as the compiler was given it.
    pub file: &'static str,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

impl Source {
    /// A place in the source.
    #[must_use]
    pub const fn new(module: &'static str, file: &'static str, line: u32, column: u32) -> Self {
        Self {
            module,
            file,
            line,
            column,
        }
    }

    /// The crate's name, with `_` for `-`.
    #[must_use]
    pub fn crate_name(&self) -> &'static str {
        self.module.split("::").next().unwrap_or(self.module)
    }

    /// The place, for a fault.
    #[must_use]
    pub fn place(&self) -> Place {
        let number = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        Place::file(self.file, number(self.line), number(self.column))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
