//! The merge key `<<`, which Spring's reader knows.

use super::key::uniform;
use super::tree::{Entry, Node, Shape};
use super::yaml::size;

/// Puts what `<<` brings in its place: the entries of the mapping, or of each mapping of a list,
/// that are not there already. Gives the number of nodes added.
pub(super) fn merge(node: &mut Node) -> usize {
    let Shape::Map(entries) = &mut node.shape else {
        return 0;
    };
    let mut brought = Vec::new();
    entries.retain(|entry| {
        let merges = !entry.quoted && entry.key == "<<" && brings(&entry.value);
        if merges {
            brought.push(entry.value.clone());
        }
        !merges
    });
    let mut added = 0;
    for source in &brought {
        let sources = match &source.shape {
            Shape::List(items) => items.as_slice(),
            _ => std::slice::from_ref(source),
        };
        for entry in sources.iter().flat_map(Node::entries) {
            added += add(entries, entry);
        }
    }
    added
}

/// Only mappings can be merged; anything else stays and is told as an unknown name.
fn brings(value: &Node) -> bool {
    match &value.shape {
        Shape::Map(_) => true,
        Shape::List(items) => items.iter().all(|item| matches!(item.shape, Shape::Map(_))),
        Shape::Scalar { .. } => false,
    }
}

fn add(entries: &mut Vec<Entry>, entry: &Entry) -> usize {
    if entries
        .iter()
        .any(|known| uniform(&known.key) == uniform(&entry.key))
    {
        return 0;
    }
    entries.push(entry.clone());
    size(&entry.value)
}
