//! What every listener of a configuration shares.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::admin::RabbitAdmin;
use crate::connection::{Connection, Purpose};
use crate::name::Name;
use crate::time::Deadline;

use super::executor::Executor;
use super::publish::ConfirmedPublisher;

/// How long asking for a queue may take.
const ASK: Duration = Duration::from_secs(10);
/// The topology is not declared again more often than this, however many listeners miss a queue.
const DECLARE_AGAIN: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Services {
    pub(super) consuming: Connection,
    /// For mode `none`: its deliveries have no bound but TCP's, so that they must not stand before others'.
    pub(super) unacknowledged: Connection,
    pub(super) executor: Executor,
    pub(super) publisher: Arc<dyn ConfirmedPublisher>,
    pub(super) admin: Option<RabbitAdmin>,
    pub(super) runtime: Handle,
    /// When the topology was last declared again for a connection: each has exclusive queues of its own.
    pub(super) declared: Mutex<HashMap<Purpose, Instant>>,
}

impl Services {
    /// Declares the topology again, if this queue belongs to it; an exclusive one over the connection that consumes it.
    pub(super) async fn declare_again(&self, connection: &Connection, queue: &Name) {
        let Some(admin) = &self.admin else { return };
        if admin.topology().queue(queue).is_none() {
            return;
        }
        let mut declared = self.declared.lock().await;
        let last = declared.get(&connection.purpose());
        if last.is_some_and(|last| last.elapsed() < DECLARE_AGAIN) {
            return;
        }
        let admin = admin.clone().with_timeout(ASK);
        match admin.declare_topology_for(connection).await {
            Ok(()) => {
                tracing::info!(%queue, "the topology was declared again, because a listener misses a queue of it")
            }
            Err(error) => {
                tracing::warn!(%queue, %error, "the topology could not be declared again")
            }
        }
        declared.insert(connection.purpose(), Instant::now());
    }

    /// Asks on a channel of its own: the broker closes one that asks for what is not there.
    pub(super) async fn is_there(&self, connection: &Connection, queue: &Name) -> bool {
        let deadline = Deadline::after(ASK);
        let Ok(lease) = connection.lease(deadline).await else {
            return false;
        };
        let asked = lease.declare_queue(queue, true, false, false, false, Vec::new(), deadline);
        let there = asked.await.is_ok();
        if there {
            lease.give_back();
        }
        there
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services")
            .field("executor", &self.executor)
            .finish_non_exhaustive()
    }
}
