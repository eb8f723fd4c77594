//! The bindings of one exchange, and which of them a message takes.

use std::collections::HashMap;
use std::sync::Arc;

use amq_protocol::types::FieldTable;

use super::exchange::Kind;
use super::header_match;
use super::ids::QueueId;
use super::topic;
use crate::wire::table::RawTable;

/// Where a binding leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Queue(QueueId),
    Exchange(Arc<str>),
}

/// One binding. Two with the same destination, key and arguments are one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Binding {
    pub(crate) destination: Destination,
    pub(crate) routing_key: Arc<str>,
    pub(crate) arguments: FieldTable,
}

/// All bindings of an exchange, by routing key where the kind looks there.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    by_key: HashMap<Arc<str>, Vec<Binding>>,
    count: usize,
}

impl Bindings {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds one; false where it was there.
    pub(crate) fn add(&mut self, binding: Binding) -> bool {
        let same_key = self.by_key.entry(binding.routing_key.clone()).or_default();
        if same_key.contains(&binding) {
            return false;
        }
        same_key.push(binding);
        self.count += 1;
        true
    }

    /// Removes one; false where it was not there.
    pub(crate) fn remove(&mut self, binding: &Binding) -> bool {
        let Some(same_key) = self.by_key.get_mut(&binding.routing_key) else {
            return false;
        };
        let Some(at) = same_key.iter().position(|other| other == binding) else {
            return false;
        };
        same_key.remove(at);
        if same_key.is_empty() {
            self.by_key.remove(&binding.routing_key);
        }
        self.count -= 1;
        true
    }

    /// Removes all that lead to `destination`; says how many.
    pub(crate) fn remove_destination(&mut self, destination: &Destination) -> usize {
        let before = self.count;
        self.by_key.retain(|_, same_key| {
            same_key.retain(|binding| binding.destination != *destination);
            !same_key.is_empty()
        });
        self.count = self.by_key.values().map(Vec::len).sum();
        before - self.count
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Binding> {
        self.by_key.values().flatten()
    }

    /// Calls `take` for the destination of every binding the message matches.
    pub(crate) fn route<'a>(
        &'a self,
        kind: Kind,
        routing_key: &str,
        headers: Option<RawTable<'_>>,
        mut take: impl FnMut(&'a Destination),
    ) {
        match kind {
            Kind::Direct => {
                let same_key = self.by_key.get(routing_key).into_iter().flatten();
                same_key.for_each(|binding| take(&binding.destination));
            }
            Kind::Fanout => self.iter().for_each(|binding| take(&binding.destination)),
            Kind::Topic => {
                let matching = self
                    .by_key
                    .iter()
                    .filter(|(p, _)| topic::matches(p, routing_key));
                matching
                    .flat_map(|(_, all)| all)
                    .for_each(|binding| take(&binding.destination));
            }
            Kind::Headers => self
                .iter()
                .filter(|binding| header_match::matches(&binding.arguments, headers))
                .for_each(|binding| take(&binding.destination)),
        }
    }
}
