//! From YAML events to trees. The reader gives places; it never gives a line of the file.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::merge_key::merge;
use super::tree::{Entry, Node, Shape, Spot};
use crate::error::{Fault, Place};

/// The most nodes a file may have once its aliases are followed.
const MOST_NODES: usize = 100_000;

/// The documents that could be read, and why the reading ended early, if it did.
pub(super) struct Documents {
    pub(super) roots: Vec<Node>,
    pub(super) broken: Option<Fault>,
}

/// How deep a file may nest.
const DEEPEST: usize = 64;

/// Reads every document of a file. Where the syntax is broken, what stands before it is kept.
pub(super) fn read(file: &str, text: &str) -> Documents {
    let mut builder = Builder::default();
    let mut broken = None;
    for event in Parser::new_from_str(text) {
        let taken = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => Err(syntax(file, text, &error)),
        };
        if let Err(fault) = taken.map_err(|fault| fault.in_file(file)) {
            broken = Some(fault);
            break;
        }
    }
    builder.close_all();
    Documents {
        roots: builder.roots,
        broken,
    }
}

/// A fault that may not know its file yet.
enum Broken {
    At(Spot, &'static str),
    Told(Fault),
}

impl Broken {
    fn in_file(self, file: &str) -> Fault {
        match self {
            Self::At(spot, sentence) => {
                Fault::new(Place::file(file, spot.line, spot.column), sentence)
            }
            Self::Told(fault) => fault,
        }
    }
}

fn syntax(file: &str, text: &str, error: &ScanError) -> Broken {
    let spot = Spot {
        line: error.marker().line(),
        column: error.marker().col() + 1,
    };
    // The reader names a character of the file in one message only.
    let info = error.info();
    let info = if info.starts_with("unexpected character") {
        "unexpected character"
    } else {
        info
    };
    let fault = Fault::new(
        Place::file(file, spot.line, spot.column),
        format!("this is not YAML from here on: {info}; the rest of the file was not read"),
    );
    let line = text
        .lines()
        .nth(spot.line.saturating_sub(1))
        .unwrap_or_default();
    let before = text
        .lines()
        .nth(spot.line.saturating_sub(2))
        .unwrap_or_default();
    let fix = if line.contains("${") || before.contains("${") {
        "between `{ }` or `[ ]` a placeholder needs quotes: \"${NAME:default}\""
    } else {
        "check indentation, quotes and the space behind each colon"
    };
    Broken::Told(fault.fix(fix))
}

/// A collection that is still open.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<(String, bool, Spot)>,
}

#[derive(Default)]
struct Builder {
    roots: Vec<Node>,
    open: Vec<Open>,
    anchors: Vec<(usize, Node)>,
    nodes: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Broken> {
        let spot = Spot {
            line: span.start.line(),
            column: span.start.col() + 1,
        };
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let quoted = style != ScalarStyle::Plain;
                let shape = Shape::Scalar {
                    text: text.into_owned(),
                    quoted,
                };
                self.put(Node { spot, shape }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(spot, Shape::List(Vec::new()), anchor),
            Event::MappingStart(anchor, _) => self.begin(spot, Shape::Map(Vec::new()), anchor),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let known = self.anchors.iter().rev().find(|(id, _)| *id == anchor);
                let mut node = known.map(|(_, node)| node.clone()).ok_or(Broken::At(
                    spot,
                    "this alias (`*`) names an anchor that is not finished before it",
                ))?;
                node.spot = spot;
                self.nodes += size(&node);
                self.put(node, 0)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(&mut self, spot: Spot, shape: Shape, anchor: usize) -> Result<(), Broken> {
        if self.open.len() >= DEEPEST {
            return Err(Broken::At(spot, "this file nests deeper than 64 levels"));
        }
        self.open.push(Open {
            node: Node { spot, shape },
            anchor,
            key: None,
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Broken> {
        match self.open.pop() {
            Some(mut open) => {
                self.nodes += merge(&mut open.node);
                self.put(open.node, open.anchor)
            }
            None => Ok(()),
        }
    }

    /// A finished node goes into the collection that is open, or is a document.
    fn put(&mut self, node: Node, anchor: usize) -> Result<(), Broken> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(Broken::At(
                node.spot,
                "this file has more than 100,000 values, aliases followed",
            ));
        }
        if anchor != 0 {
            self.anchors.push((anchor, node.clone()));
        }
        let Some(open) = self.open.last_mut() else {
            self.roots.push(node);
            return Ok(());
        };
        match &mut open.node.shape {
            Shape::List(items) => items.push(node),
            Shape::Map(entries) => match open.key.take() {
                Some((key, quoted, spot)) => entries.push(Entry {
                    key,
                    quoted,
                    spot,
                    value: node,
                }),
                None => match node.shape {
                    Shape::Scalar { text, quoted } => open.key = Some((text, quoted, node.spot)),
                    _ => return Err(Broken::At(node.spot, "a key must be plain text")),
                },
            },
            Shape::Scalar { .. } => {}
        }
        Ok(())
    }

    /// After broken syntax: what was read of the open collections still counts.
    fn close_all(&mut self) {
        while !self.open.is_empty() {
            if self.end().is_err() {
                return;
            }
        }
    }
}

/// How many nodes an alias adds when it copies this one.
pub(super) fn size(node: &Node) -> usize {
    match &node.shape {
        Shape::Scalar { .. } => 1,
        Shape::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Shape::Map(entries) => {
            1 + entries
                .iter()
                .map(|entry| 1 + size(&entry.value))
                .sum::<usize>()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_keep_their_places() {
        let documents = read(
            "f.yml",
            "a:\n  b: 1\n  'c d': [x, \"y\"]\n---\nz: &k {q: 2}\nw: *k\n",
        );
        assert!(documents.broken.is_none());
        let [first, second] = documents.roots.as_slice() else {
            unreachable!("two documents")
        };
        let inner = first.entries().first().unwrap().value.entries();
        let spots: Vec<String> = inner
            .iter()
            .map(|entry| format!("{} {}", entry.key, entry.spot))
            .collect();
        assert_eq!(spots, ["b 2:3", "c d 3:3"]);
        assert_eq!(second.entries().get(1).unwrap().value.entries().len(), 1);
    }

    #[test]
    fn broken_syntax_keeps_what_stood_before() {
        let documents = read("f.yml", "a: 1\nb: {c: ${X:1}}\nd: 2\n");
        let fault = documents.broken.unwrap();
        assert!(fault.fix.unwrap().contains("quotes"));
        let root = documents.roots.first().unwrap();
        assert_eq!(root.entries().first().unwrap().key, "a");
    }

    #[test]
    fn a_merge_key_brings_what_is_not_said() {
        let text = "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\nall: {y: 9, <<: [*b, *m]}\n";
        let documents = read("f.yml", text);
        let root = documents.roots.first().unwrap();
        let all = root.entries().last().unwrap().value.entries();
        let found: Vec<String> = all
            .iter()
            .map(|entry| match &entry.value.shape {
                Shape::Scalar { text, .. } => format!("{}={text}", entry.key),
                _ => entry.key.clone(),
            })
            .collect();
        assert_eq!(found, ["y=9", "x=1", "z=4"]);
    }

    #[test]
    fn aliases_cannot_grow_without_bound() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let before = format!("*a{}", level - 1);
            let ten = vec![before; 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{ten}]\n"));
        }
        assert!(
            read("f.yml", &text)
                .broken
                .unwrap()
                .sentence
                .contains("100,000")
        );
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let deep = format!("a: {}", "[".repeat(50_000));
        let _ = read("f.yml", &deep);
    }
}
