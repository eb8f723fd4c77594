//! The sections of a document that are ours: `rabbitmq` and `spring.rabbitmq`.

use super::collect::Collector;
use super::key::{nearest, uniform};
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
    /// Names at the top that are properties of ours.
    stray: Option<(Spot, &'static str)>,
    /// A near miss was reported, which explains a missing root.
    missed: bool,
}

impl Roots {
    /// Collects what stands below the roots of one document. All else is left alone, except a
    /// name that was probably meant to be a root.
    pub(super) fn collect(&mut self, root: &Node, collector: &mut Collector<'_>) {
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
                    collector.duplicate(entry, before);
                }
                take(rest, entry, collector);
            } else if uniform(first) == "spring" {
                self.below_spring(rest, entry, collector);
            } else {
                self.stranger(first, rest, entry, collector);
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
                collector.duplicate(entry, before);
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
        } else if near_miss(first) {
            self.missed(entry, "spring.rabbitmq", collector);
        }
    }

    fn stranger(
        &mut self,
        first: &str,
        rest: &[&str],
        entry: &Entry,
        collector: &mut Collector<'_>,
    ) {
        if near_miss(first) {
            self.missed(entry, ROOT, collector);
        } else if rest.is_empty() && self.stray.is_none() {
            let known = table::below("")
                .into_iter()
                .find(|name| uniform(name) == uniform(first));
            self.stray = known.map(|name| (entry.spot, name));
        }
    }

    fn missed(&mut self, entry: &Entry, meant: &str, collector: &mut Collector<'_>) {
        self.missed = true;
        let place = Place::file(collector.file, entry.spot.line, entry.spot.column);
        let sentence = format!("this section is not read: its name is nearly `{meant}`");
        collector
            .faults
            .push(Fault::new(place, sentence).fix(format!("did you mean `{meant}`?")));
    }

    /// What is wrong with the roots of the whole file.
    pub(super) fn fault(&self, file: &str) -> Option<Fault> {
        let at = |spot: Spot| Place::file(file, spot.line, spot.column);
        match (self.own, self.spring, self.stray) {
            (Some(own), Some(spring), _) => {
                let (first, second) = (own.min(spring), own.max(spring));
                let sentence = format!(
                    "this file has both `rabbitmq` and `spring.rabbitmq`, first at {first}"
                );
                Some(Fault::new(at(second), sentence).fix("keep one of the two"))
            }
            (None, None, Some((spot, name))) if !self.missed => {
                let sentence = format!(
                    "`{name}` stands at the top of a file without a `rabbitmq` section, and is not read there"
                );
                Some(Fault::new(at(spot), sentence).fix("put it below `rabbitmq:`"))
            }
            _ => None,
        }
    }
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
            collector.faults.push(
                Fault::new(place, sentence)
                    .fix("check indentation, and the space behind each colon"),
            );
        }
    }
}

fn near_miss(name: &str) -> bool {
    nearest(name, [ROOT]).is_some()
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
