//! The declared topology stands before anybody uses a new connection.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::connection::{HookError, NewLink, OpenHook, Purpose};
use crate::topology::{Declaration, Destination, Queue, Topology};

use super::AdminError;
use super::declare::{OfLink, declare_all, is_permanent};

/// How long one connection waits for another one's run over the same topology while that run gets nothing done.
const NO_PROGRESS: Duration = Duration::from_secs(5);

/// Declares the topology on each new link of the connections it is registered with.
///
/// Every connection declares on its own link. Where a run over the same virtual host has begun *after* a link was
/// opened and has succeeded, the topology is known to stand, and that link need not repeat it. An exclusive queue belongs
/// to the connection that declares it, so the one that consumes it alone declares it, each time.
pub(super) struct TopologyHook {
    topology: Arc<Topology>,
    /// The queues that are consumed without acknowledgements: the exclusive ones among them belong to that connection,
    /// all others, also those that nobody listens to, to the consuming one.
    unacknowledged: BTreeSet<String>,
    /// When the last successful run over a virtual host began.
    standing: Mutex<BTreeMap<String, Instant>>,
    /// Declarations made so far, by all runs.
    progress: AtomicU64,
}

impl TopologyHook {
    pub(super) fn new(topology: Arc<Topology>, unacknowledged: BTreeSet<String>) -> Self {
        Self {
            topology,
            unacknowledged,
            standing: Mutex::new(BTreeMap::new()),
            progress: AtomicU64::new(0),
        }
    }

    pub(super) fn topology(&self) -> &Topology {
        &self.topology
    }

    /// What any connection may declare.
    pub(super) fn shared(&self) -> Vec<Vec<Declaration<'_>>> {
        self.part(|exclusive| exclusive.is_none())
    }

    /// The exclusive queues that belong to a connection for that purpose.
    pub(super) fn exclusive(&self, purpose: Purpose) -> Vec<Vec<Declaration<'_>>> {
        let unacknowledged = match purpose {
            Purpose::Consuming => false,
            Purpose::Unacknowledged => true,
            Purpose::Publishing | Purpose::Admin => return Vec::new(),
        };
        let is_its_own =
            |queue: &Queue| self.unacknowledged.contains(queue.name()) == unacknowledged;
        self.part(|exclusive| exclusive.is_some_and(is_its_own))
    }

    /// The steps that are asked for by the exclusive queue they belong to, if they belong to one.
    fn part(&self, wanted: impl Fn(Option<&Queue>) -> bool) -> Vec<Vec<Declaration<'_>>> {
        let mut layers = self.topology.layers();
        for layer in &mut layers {
            layer.retain(|step| wanted(exclusive_queue(&self.topology, *step)));
        }
        layers
    }

    async fn declare(&self, link: &NewLink) -> Result<(), HookError> {
        let mut failed = self.declare_shared(link).await;
        let exclusive = self.exclusive(link.purpose());
        failed.extend(declare_all(&self.channels(link), &exclusive).await);
        if failed.is_empty() {
            return Ok(());
        }
        let permanent = is_permanent(&failed);
        let error = AdminError::declarations_failed(failed);
        Err(HookError {
            error: Box::new(error),
            permanent,
        })
    }

    async fn declare_shared(&self, link: &NewLink) -> Vec<super::DeclarationError> {
        let turn = self.turn().await;
        if let Some(standing) = &turn
            && let Some(began) = standing.get(link.virtual_host())
            && *began >= link.opened()
        {
            tracing::debug!(purpose = %link.purpose(), "the topology stands already");
            return Vec::new();
        }
        let began = Instant::now();
        let failed = declare_all(&self.channels(link), &self.shared()).await;
        if failed.is_empty()
            && let Some(mut standing) = turn
        {
            standing.insert(link.virtual_host().to_owned(), began);
        }
        failed
    }
}

impl TopologyHook {
    /// One run at a time; but a run that hangs on its own link must not hold up the others: `None` is a turn without
    /// a word to the others.
    async fn turn(&self) -> Option<MutexGuard<'_, BTreeMap<String, Instant>>> {
        loop {
            let seen = self.progress.load(Ordering::Relaxed);
            match tokio::time::timeout(NO_PROGRESS, self.standing.lock()).await {
                Ok(standing) => return Some(standing),
                Err(_) if self.progress.load(Ordering::Relaxed) == seen => return None,
                Err(_) => {}
            }
        }
    }

    fn channels<'l>(&'l self, link: &'l NewLink) -> OfLink<'l> {
        OfLink {
            link,
            progress: &self.progress,
        }
    }
}

/// The exclusive queue that a step belongs to.
fn exclusive_queue<'t>(topology: &'t Topology, step: Declaration<'t>) -> Option<&'t Queue> {
    let queue = match step {
        Declaration::Queue(queue) => Some(queue),
        Declaration::Binding(binding) => match binding.destination() {
            Destination::Queue(name) => topology.queue(name),
            Destination::Exchange(_) => None,
        },
        Declaration::Exchange(_) => None,
    };
    queue.filter(|queue| queue.is_exclusive())
}

impl OpenHook for TopologyHook {
    fn doing(&self) -> &'static str {
        "declare the topology"
    }

    fn run<'a>(
        &'a self,
        link: &'a NewLink,
    ) -> Pin<Box<dyn Future<Output = Result<(), HookError>> + Send + 'a>> {
        Box::pin(self.declare(link))
    }
}
