//! The sections of a document that are ours: `rabbitmq` and `spring.rabbitmq`.

use super::collect::Collector;
use super::key::uniform;
use super::path::Path;
use super::table;
use super::tree::{Entry, Node, Shape, Spot};
use crate::error::{Fault, Place};

const ROOT: &str = "rabbitmq";

/// Which of the two roots a file used, and where first.
#[derive(Debug, Default)]
pub(super) struct Roots {
    own: Option<Spot>,
    spring: Option<Spot>,
    /// Names that are nearly a root: where, what was meant, and by how many letters it differs.
    near: Vec<(Spot, &'static str, usize)>,
    /// A document of nothing but names that belong below a root: the first of them.
    bare: Option<(Spot, &'static str)>,
}

impl Roots {
    /// Collects what stands below the roots of one document. All else is left alone, except a
    /// name that was probably meant to be a root.
    pub(super) fn collect(&mut self, root: &Node, collector: &mut Collector<'_>) {
        self.bare = self.bare.or_else(|| bare(root));
        let mut whole: Option<Spot> = None;
        for entry in root.entries() {
            let parts: Vec<&str> = entry.key.split('.').collect();
            let Some((first, rest)) = parts.split_first() else {
                continue;
            };
            if uniform(first) == ROOT {
                self.own.get_or_insert(entry.spot);
                if rest.is_empty()
                    && let Some(before) = whole.replace(entry.spot)
                {
                    collector.duplicate(entry, before, &Path::top(""));
                }
                take(rest, entry, collector);
            } else if uniform(first) == "spring" {
                self.below_spring(rest, entry, collector);
            } else {
                self.stranger(first, entry, "rabbitmq");
            }
        }
    }

    fn below_spring(&mut self, rest: &[&str], entry: &Entry, collector: &mut Collector<'_>) {
        if let Some((first, behind)) = rest.split_first() {
            return self.spring_entry(first, behind, entry, collector);
        }
        let mut whole: Option<Spot> = None;
        for entry in entry.value.entries() {
            let parts: Vec<&str> = entry.key.split('.').collect();
            let Some((first, behind)) = parts.split_first() else {
                continue;
            };
            if uniform(first) == ROOT
                && behind.is_empty()
                && let Some(before) = whole.replace(entry.spot)
            {
                collector.duplicate(entry, before, &Path::top(""));
            }
            self.spring_entry(first, behind, entry, collector);
        }
    }

    fn spring_entry(
        &mut self,
        first: &str,
        behind: &[&str],
        entry: &Entry,
        collector: &mut Collector<'_>,
    ) {
        if uniform(first) == ROOT {
            self.spring.get_or_insert(entry.spot);
            take(behind, entry, collector);
        } else {
            self.stranger(first, entry, "spring.rabbitmq");
        }
    }

    fn stranger(&mut self, name: &str, entry: &Entry, meant: &'static str) {
        let distance = strsim::damerau_levenshtein(&uniform(name), ROOT);
        if distance <= 2 {
            self.near.push((entry.spot, meant, distance));
        }
    }

    /// What is wrong with the roots of the whole file. A name that differs from a root by two
    /// letters, such as `rabbit`, can be a section of the user's own where the file has a root.
    pub(super) fn faults(&self, file: &str) -> Vec<Fault> {
        let at = |spot: Spot| Place::file(file, spot.line, spot.column);
        let has_root = self.own.is_some() || self.spring.is_some();
        let near = self
            .near
            .iter()
            .filter(|(_, _, distance)| *distance == 1 || !has_root);
        let mut faults: Vec<Fault> = near
            .map(|(spot, meant, _)| {
                let sentence = format!("this section is not read: its name is nearly `{meant}`");
                Fault::new(at(*spot), sentence).fix(format!("did you mean `{meant}`?"))
            })
            .collect();
        if let (Some(own), Some(spring)) = (self.own, self.spring) {
            let (first, second) = (own.min(spring), own.max(spring));
            let sentence =
                format!("this file has both `rabbitmq` and `spring.rabbitmq`, first at {first}");
            faults.push(Fault::new(at(second), sentence).fix("keep one of the two"));
        }
        if let (Some((spot, name)), false) = (self.bare, has_root) {
            let sentence = format!(
                "`{name}` stands at the top of a file without a `rabbitmq` section, and is not read there"
            );
            faults.push(Fault::new(at(spot), sentence).fix("put it below `rabbitmq:`"));
        }
        faults
    }
}

/// The first name of a document of nothing but names of ours: its root was forgotten.
fn bare(root: &Node) -> Option<(Spot, &'static str)> {
    let known = table::below("");
    let of = |entry: &Entry| {
        let first = entry.key.split('.').next().map(uniform);
        known
            .iter()
            .copied()
            .find(|name| first.as_ref() == Some(&uniform(name)))
    };
    let first = root.entries().first()?;
    let all = root.entries().iter().all(|entry| of(entry).is_some());
    of(first).filter(|_| all).map(|name| (first.spot, name))
}

fn take(rest: &[&str], entry: &Entry, collector: &mut Collector<'_>) {
    let top = Path::top("");
    if !rest.is_empty() {
        return collector.step(rest, entry, &top, false);
    }
    match &entry.value.shape {
        Shape::Map(entries) => collector.section(entries, &top, false),
        _ if entry.value.is_empty() => {}
        _ => {
            let spot = entry.value.spot;
            let place = Place::file(collector.file, spot.line, spot.column);
            let sentence = format!(
                "`rabbitmq` is a section, and here is {}",
                entry.value.kind()
            );
            collector.doubt(&top);
            collector.faults.push(
                Fault::new(place, sentence)
                    .fix("check indentation, and the space behind each colon"),
            );
        }
    }
}

/// Whether anything of a document stands below a root.
pub(super) fn has_root(document: &Node) -> bool {
    let first = |entry: &Entry| entry.key.split('.').next().map(uniform);
    document.entries().iter().any(|entry| {
        let mut parts = entry.key.split('.').map(uniform);
        match (parts.next().as_deref(), parts.next().as_deref()) {
            (Some(ROOT), _) | (Some("spring"), Some(ROOT)) => true,
            (Some("spring"), None) => {
                let below = entry.value.entries();
                below
                    .iter()
                    .any(|entry| first(entry).as_deref() == Some(ROOT))
            }
            _ => false,
        }
    })
}

/// The node at a path of names, below a document's root, however its keys are dotted.
pub(super) fn lookup<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    if path.is_empty() {
        return Some(node);
    }
    node.entries().iter().find_map(|entry| {
        let parts: Vec<String> = entry.key.split('.').map(uniform).collect();
        let wanted: Vec<String> = path
            .iter()
            .take(parts.len())
            .map(|part| uniform(part))
            .collect();
        (parts == wanted).then(|| lookup(&entry.value, path.get(parts.len()..)?))?
    })
}
