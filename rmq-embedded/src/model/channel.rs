//! A channel: modes, what it delivered and waits to see settled, a publish under way.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::assembly::Complete;
use super::confirm::Confirms;
use super::ids::{ConsumerId, QueueId};
use super::message::Entry;
use super::transaction::Transaction;

/// A delivery that is not settled.
#[derive(Debug)]
pub(crate) struct Unacked {
    pub(crate) tag: u64,
    pub(crate) queue: QueueId,
    /// `None` for one fetched with basic.get.
    pub(crate) consumer: Option<ConsumerId>,
    pub(crate) entry: Entry,
}

/// The frames of a publish that are still to come.
#[derive(Debug, Default)]
pub(crate) enum Assembly {
    /// None: a method comes next.
    #[default]
    Idle,
    /// `basic.publish` came, its header comes next.
    Header(PublishHead),
    /// Header came, `missing` body bytes come next.
    Body { message: Complete, missing: u64 },
}

/// What `basic.publish` said.
#[derive(Debug)]
pub(crate) struct PublishHead {
    pub(crate) exchange: Arc<str>,
    pub(crate) routing_key: Box<str>,
    pub(crate) mandatory: bool,
}

/// A consumer, as its channel knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subscription {
    pub(crate) queue: QueueId,
    pub(crate) id: ConsumerId,
}

/// An open channel, or one that waits for the client's close-ok.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    /// The broker sent close: everything but close and close-ok is ignored.
    pub(crate) closing: bool,
    pub(crate) assembly: Assembly,
    pub(crate) confirms: Option<Confirms>,
    pub(crate) transaction: Option<Transaction>,
    pub(crate) next_tag: u64,
    /// By tag, oldest first.
    pub(crate) unacked: VecDeque<Unacked>,
    pub(crate) consumers: HashMap<Arc<str>, Subscription>,
    /// For consumers to come; 0 means no limit.
    pub(crate) prefetch: u32,
    /// For all consumers of the channel together; 0 means no limit.
    pub(crate) channel_prefetch: u32,
    /// Deliveries to consumers that are not settled.
    pub(crate) consumer_unacked: u32,
    /// The queue an empty name stands for.
    pub(crate) last_queue: Option<Arc<str>>,
    /// Consumer tag of the direct reply-to consumer, and the token of its address.
    pub(crate) replies: Option<(Arc<str>, Box<str>)>,
}

impl Channel {
    /// The tag of the next delivery.
    pub(crate) fn take_tag(&mut self) -> u64 {
        self.next_tag += 1;
        self.next_tag
    }

    /// Takes the delivery `tag`, or with `multiple` all up to it; 0 with `multiple` means all there are.
    ///
    /// `None` where the tag is not known.
    pub(crate) fn take_unacked(&mut self, tag: u64, multiple: bool) -> Option<Vec<Unacked>> {
        if multiple && tag == 0 {
            return Some(self.unacked.drain(..).collect());
        }
        let at = self
            .unacked
            .binary_search_by_key(&tag, |delivery| delivery.tag)
            .ok()?;
        if multiple {
            return Some(self.unacked.drain(..=at).collect());
        }
        self.unacked.remove(at).map(|one| vec![one])
    }
}
