//! A settings file as a tree of raw text with places.

use std::fmt;

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One node. Its `Debug` shows the shape and no text: any scalar can be a secret.
#[derive(Clone, PartialEq)]
pub(super) struct Node {
    pub(super) spot: Spot,
    pub(super) shape: Shape,
}

/// What a node is.
#[derive(Clone, PartialEq)]
pub(super) enum Shape {
    /// Text as written, without its quotes.
    Scalar {
        text: String,
        quoted: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) quoted: bool,
    pub(super) spot: Spot,
    pub(super) value: Node,
}

impl Node {
    /// A scalar that stands in no file.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let shape = Shape::Scalar {
            text: text.into(),
            quoted: true,
        };
        Self {
            spot: Spot::default(),
            shape,
        }
    }

    /// Whether nothing was written: an empty value, `~` or `null`.
    pub(super) fn is_empty(&self) -> bool {
        matches!(&self.shape, Shape::Scalar { text, quoted: false }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The keys of a mapping.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.shape {
            Shape::Map(entries) => entries,
            _ => &[],
        }
    }

    /// What kind of thing this is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match &self.shape {
            Shape::Scalar { .. } => "one value",
            Shape::List(_) => "a list",
            Shape::Map(_) => "a section",
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({} at {})", self.kind(), self.spot)
    }
}
