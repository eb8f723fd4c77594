//! All listeners of a configuration, by id.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::admin::RabbitAdmin;
use crate::connection::Connection;
use crate::error::OperationError;
use crate::name::Name;
use crate::observability::DeliveryWitness;
use crate::time::Deadline;

use super::container::Container;
use super::endpoint::ListenerEndpoint;
use super::executor::{Executor, ExecutorSettings};
use super::ledger::ListenerLedger;
use super::publish::ConfirmedPublisher;
use super::services::Services;
use super::settings::AcknowledgeMode;
use super::state::ListenerState;
use super::unsettled::UnsettledDelivery;

/// What the listeners of a configuration are given.
#[derive(Clone)]
pub struct ListenerParts {
    /// Where listeners consume. Nobody publishes on it.
    pub consuming: Connection,
    /// Where listeners of acknowledge mode `none` consume; opened only where there is one. May be the same.
    pub unacknowledged: Connection,
    /// Sends replies and parked messages.
    pub publisher: Arc<dyn ConfirmedPublisher>,
    /// Declares the topology again when a queue of it is missing.
    pub admin: Option<RabbitAdmin>,
    /// The pool.
    pub executor: ExecutorSettings,
}

impl std::fmt::Debug for ListenerParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ListenerParts")
            .field("executor", &self.executor)
            .finish_non_exhaustive()
    }
}

/// Starts, stops, pauses and shows listeners. Cheap to clone.
///
/// When the last clone is dropped, running listeners go on; the application stops them.
#[derive(Debug, Clone)]
pub struct ListenerRegistry(Arc<All>);

#[derive(Debug)]
struct All {
    containers: Vec<Arc<Container>>,
    services: Arc<Services>,
}

/// A listener, for reports and health.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ListenerInfo {
    /// Its id.
    pub id: String,
    /// The queues it consumes.
    pub queues: Vec<Name>,
    /// What it is doing.
    pub state: ListenerState,
    /// How many consumers it has now.
    pub consumers: usize,
    /// Who acknowledges.
    pub acknowledge: AcknowledgeMode,
    /// What became of its deliveries.
    pub ledger: ListenerLedger,
}

/// A listener could not be started, stopped or asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListenerError {
    /// There is no listener of that id.
    #[error("there is no listener `{id}`; there are: {}", known.join(", "))]
    Unknown {
        /// The id asked for.
        id: String,
        /// Those that are there.
        known: Vec<String>,
    },
    /// It is still stopping.
    #[error("listener `{0}` is still stopping; start it again when it has stopped")]
    Stopping(String),
    /// What was waited for had not happened by the deadline.
    #[error("listener `{id}` was not seen to do that in time: {}", counts.deliveries)]
    NotSeen {
        /// Its id.
        id: String,
        /// What had become of its deliveries.
        counts: ListenerLedger,
    },
    /// It did not consume before the deadline.
    #[error("listener `{id}` did not consume in time: {state}")]
    NotConsuming {
        /// Its id.
        id: String,
        /// What it was doing.
        state: ListenerState,
    },
}

impl OperationError for ListenerError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "RMQ-LST-UNKNOWN",
            Self::Stopping(_) => "RMQ-LST-STOPPING",
            Self::NotSeen { .. } => "RMQ-LST-NOT-SEEN",
            Self::NotConsuming { .. } => "RMQ-LST-NOT-CONSUMING",
        }
    }

    fn is_transient(&self) -> bool {
        !matches!(self, Self::Unknown { .. })
    }
}

/// How much of a stop's time is kept for what comes after the handlers: acknowledgements and channels.
const AFTER_HANDLERS: Duration = Duration::from_secs(2);

impl ListenerRegistry {
    /// A registry of these listeners; none is started.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new(endpoints: Vec<ListenerEndpoint>, parts: ListenerParts) -> Self {
        let services = Arc::new(Services {
            consuming: parts.consuming,
            unacknowledged: parts.unacknowledged,
            executor: Executor::new(parts.executor),
            publisher: parts.publisher,
            admin: parts.admin,
            runtime: Handle::current(),
            declared: tokio::sync::Mutex::default(),
        });
        let containers = endpoints
            .into_iter()
            .map(|endpoint| Container::new(endpoint, &services))
            .collect();
        let all = Arc::new(All {
            containers,
            services,
        });
        all.watch_ages();
        Self(all)
    }

    /// Has this told of each delivery from now on, by message id. For tests.
    pub fn witnessed_by(&self, witness: &Arc<dyn DeliveryWitness>) {
        for container in &self.0.containers {
            container.counters.witnessed_by(Arc::clone(witness));
        }
    }

    /// Starts every listener that starts with the application.
    pub fn start_auto(&self) {
        for container in &self.0.containers {
            if container.settings.auto_startup {
                container.start();
            }
        }
    }

    /// Waits until every started listener consumes.
    ///
    /// # Cancel safety
    /// Nothing is lost; they go on starting.
    ///
    /// # Errors
    /// Those that did not by the deadline, each with what it was doing. They go on trying.
    pub async fn wait_consuming(&self, deadline: Deadline) -> Result<(), Vec<ListenerError>> {
        let mut late = Vec::new();
        for container in &self.0.containers {
            let mut state = container.state();
            if *state.borrow() == ListenerState::Stopped || *state.borrow() == ListenerState::Paused
            {
                continue;
            }
            let decided = |state: &ListenerState| state.is_consuming() || state.is_failed();
            let in_time = deadline.limit(state.wait_for(decided)).await.is_ok();
            let state = state.borrow().clone();
            if !in_time || !state.is_consuming() {
                late.push(ListenerError::NotConsuming {
                    id: container.settings.id.clone(),
                    state,
                });
            }
        }
        if late.is_empty() { Ok(()) } else { Err(late) }
    }

    /// Starts a listener; nothing happens if it runs. It consumes soon after: see [`state`](Self::state).
    ///
    /// # Errors
    /// When there is no such listener, or it is still stopping.
    pub fn start(&self, id: &str) -> Result<(), ListenerError> {
        if self.find(id)?.start() {
            Ok(())
        } else {
            Err(ListenerError::Stopping(id.to_owned()))
        }
    }

    /// Stops a listener: running handlers finish, within `within`; what was not started goes back to the queue. Gives what
    /// was cut off.
    ///
    /// # Cancel safety
    /// If dropped, the stop goes on in a task of its own; what it cuts off is then told by the next stop.
    ///
    /// # Errors
    /// When there is no such listener.
    pub async fn stop(
        &self,
        id: &str,
        within: Duration,
    ) -> Result<Vec<UnsettledDelivery>, ListenerError> {
        let container = self.find(id)?;
        Ok(self
            .end(container, ListenerState::Stopped, Deadline::after(within))
            .await)
    }

    /// As [`stop`](Self::stop), but the listener shows that it is paused. What was prefetched goes back to the queue.
    ///
    /// # Errors
    /// When there is no such listener.
    pub async fn pause(
        &self,
        id: &str,
        within: Duration,
    ) -> Result<Vec<UnsettledDelivery>, ListenerError> {
        let container = self.find(id)?;
        Ok(self
            .end(container, ListenerState::Paused, Deadline::after(within))
            .await)
    }

    /// Starts a paused listener again.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn resume(&self, id: &str) -> Result<(), ListenerError> {
        self.start(id)
    }

    /// What a listener is doing, and a way to wait for the next state.
    ///
    /// # Errors
    /// When there is no such listener.
    pub fn state(&self, id: &str) -> Result<watch::Receiver<ListenerState>, ListenerError> {
        Ok(self.find(id)?.state())
    }

    /// Every listener, in the order they were registered.
    #[must_use]
    pub fn list(&self) -> Vec<ListenerInfo> {
        self.0
            .containers
            .iter()
            .map(|container| info(container))
            .collect()
    }

    /// One listener.
    ///
    /// # Errors
    /// When there is no such listener.
    pub fn get(&self, id: &str) -> Result<ListenerInfo, ListenerError> {
        Ok(info(self.find(id)?))
    }

    /// Waits until a listener's counts are as asked for: `|counts| counts.deliveries.acknowledged == 3`, say.
    ///
    /// # Errors
    /// When there is no such listener, or the deadline came first: with the counts of that moment.
    pub async fn wait_for(
        &self,
        id: &str,
        deadline: Deadline,
        holds: impl Fn(&ListenerLedger) -> bool,
    ) -> Result<ListenerLedger, ListenerError> {
        let counters = &self.find(id)?.counters;
        let seen = deadline.limit(counters.wait_for(holds)).await;
        seen.map_err(|_| ListenerError::NotSeen {
            id: id.to_owned(),
            counts: counters.snapshot(),
        })
    }

    /// What became of all deliveries together.
    #[must_use]
    pub fn ledger(&self) -> ListenerLedger {
        let mut sum = ListenerLedger::default();
        for container in &self.0.containers {
            sum += container.counters.snapshot();
        }
        sum
    }

    /// Stops all listeners at once, before the deadline. Gives what was cut off.
    pub async fn stop_all(&self, deadline: Deadline) -> Vec<UnsettledDelivery> {
        let stops = self.0.containers.iter();
        let stops = stops.map(|container| self.end(container, ListenerState::Stopped, deadline));
        join_all(stops).await.into_iter().flatten().collect()
    }

    /// Ends all listeners and waits for nothing: for a program that drops its last handle. Gives what was in hand.
    #[must_use]
    pub fn abandon(&self) -> Vec<UnsettledDelivery> {
        let containers = self.0.containers.iter();
        containers
            .flat_map(|container| container.abandon())
            .collect()
    }

    async fn end(
        &self,
        container: &Arc<Container>,
        to: ListenerState,
        deadline: Deadline,
    ) -> Vec<UnsettledDelivery> {
        let pool = self.0.services.executor.settings();
        let patience = if pool.await_termination {
            let kept = AFTER_HANDLERS.min(deadline.remaining() / 4);
            pool.await_termination_period
                .min(deadline.remaining().saturating_sub(kept))
        } else {
            Duration::ZERO
        };
        let stop = Arc::clone(container).stop(to, Deadline::after(patience), deadline);
        // In a task of its own, so that a caller who gives up leaves no listener half stopped.
        let ended = self.0.services.runtime.spawn(stop).await;
        if let Err(error) = ended {
            tracing::error!(listener = %container.settings.id, %error, "a listener's stop did not finish");
        }
        container.take_cut_off()
    }

    fn find(&self, id: &str) -> Result<&Arc<Container>, ListenerError> {
        let mut containers = self.0.containers.iter();
        let found = containers.find(|container| container.settings.id == id);
        found.ok_or_else(|| ListenerError::Unknown {
            id: id.to_owned(),
            known: self
                .list()
                .into_iter()
                .map(|listener| listener.id)
                .collect(),
        })
    }
}

fn info(container: &Container) -> ListenerInfo {
    ListenerInfo {
        id: container.settings.id.clone(),
        queues: container.settings.queues.clone(),
        state: container.state().borrow().clone(),
        consumers: container.consumers(),
        acknowledge: container.settings.acknowledge,
        ledger: container.counters.snapshot(),
    }
}

impl All {
    /// One task for all listeners looks for deliveries that have waited too long behind a running handler, so that
    /// none of them needs a timer. It ends with the registry.
    fn watch_ages(self: &Arc<Self>) {
        let acknowledged = self.containers.iter().filter(|c| !c.settings.no_ack());
        let Some(shortest) = acknowledged.map(|c| c.settings.consumer_timeout).min() else {
            return;
        };
        // A third of the timeout is the limit; a delivery is seen at most a sixth of that late.
        let every = (shortest / 18).clamp(Duration::from_millis(200), Duration::from_secs(60));
        let all: Weak<Self> = Arc::downgrade(self);
        self.services.runtime.spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(all) = all.upgrade() else { return };
                join_all(all.containers.iter().map(|container| container.check_age())).await;
            }
        });
    }
}
