//! The facade.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::connection::{ChannelLease, Connection};
use crate::name::Name;
use crate::time::Deadline;
use crate::topology::{Binding, Declarables, Declaration, Destination, Exchange, Queue, Topology};
use crate::transport::{TransportError, TransportErrorKind};

use super::blame::never_sent;
use super::declare::{OfConnection, declare_all, exclusive_refused, wire};
use super::error::kind_of;
use super::topology_hook::TopologyHook;
use super::{AdminError, AdminErrorKind, DeclarationError};

/// What one call may take, unless [`RabbitAdmin::with_timeout`] says otherwise.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What the broker says of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueInfo {
    /// Its name.
    pub name: Name,
    /// Messages ready for delivery; those delivered and not acknowledged are not among them.
    pub messages: u32,
    /// Consumers.
    pub consumers: u32,
}

/// Declares, deletes and asks by hand, over a connection of its own. Cheap to clone.
///
/// What a program needs as long as it runs belongs into its topology, which is declared again on each new connection;
/// what is declared here is declared once. Each call waits for the connection if it must, at most for the timeout
/// (default 60 s), the wait for the broker's answer included.
#[derive(Clone)]
pub struct RabbitAdmin {
    connection: Connection,
    hook: Arc<TopologyHook>,
    timeout: Duration,
    /// Declarations go one call at a time: the broker closes the connection for some mistakes, and does not say whose.
    declaring: Arc<tokio::sync::Mutex<()>>,
}

impl RabbitAdmin {
    /// An admin over a connection, and the topology that is declared on each new connection.
    #[must_use]
    #[doc(hidden)]
    pub fn new(connection: Connection, topology: Arc<Topology>) -> Self {
        Self::beside_unacknowledged(connection, topology, BTreeSet::new())
    }

    /// The same, where these queues are consumed without acknowledgements, over a connection of their own.
    #[must_use]
    #[doc(hidden)]
    pub fn beside_unacknowledged(
        connection: Connection,
        topology: Arc<Topology>,
        queues: BTreeSet<String>,
    ) -> Self {
        let hook = Arc::new(TopologyHook::new(topology, queues));
        let admin = Self {
            connection,
            hook,
            timeout: TIMEOUT,
            declaring: Arc::default(),
        };
        admin.declare_on_open(&admin.connection);
        admin
    }

    /// From now on the topology stands before anybody gets a new link of that connection.
    #[doc(hidden)]
    pub fn declare_on_open(&self, connection: &Connection) {
        connection.on_open(Arc::clone(&self.hook) as _);
    }

    /// The topology that is declared on each new connection.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        self.hook.topology()
    }

    /// The same admin with another timeout for each call; zero means no limit.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn deadline(&self) -> Deadline {
        Deadline::after_or_never(self.timeout)
    }

    /// Declares a set, once, in order, the dead-letter queues that follow from it included. What is there and equal
    /// is left as it is. Nothing is ever deleted. Declarations of one admin, its clones included, wait for each other.
    ///
    /// # Cancel safety
    /// If dropped, the declaration under way goes on; the rest of the set is not declared.
    ///
    /// # Errors
    /// [`AdminErrorKind::Invalid`] with all faults before anything is sent; else every declaration that the broker did
    /// not take, with what is there and what was asked. Those before and after it stand.
    pub async fn declare(&self, declarables: &Declarables) -> Result<(), AdminError> {
        let topology = declarables.check()?;
        let exclusive: Vec<_> = topology
            .queues()
            .filter(|queue| queue.is_exclusive())
            .map(exclusive_refused)
            .collect();
        if !exclusive.is_empty() {
            return Err(AdminError::declarations_failed(exclusive));
        }
        let layers = topology.layers();
        all_stand(self.declare_layers(&self.connection, &layers).await)
    }

    /// Declares the program's topology again now, exclusive queues excepted: for a queue that somebody deleted.
    ///
    /// # Errors
    /// As [`declare`](Self::declare).
    pub async fn declare_topology(&self) -> Result<(), AdminError> {
        let shared = self.hook.shared();
        all_stand(self.declare_layers(&self.connection, &shared).await)
    }

    /// Declares the program's topology again now, and over that connection the exclusive queues that belong to it.
    ///
    /// # Errors
    /// As [`declare`](Self::declare).
    #[doc(hidden)]
    pub async fn declare_topology_for(&self, connection: &Connection) -> Result<(), AdminError> {
        let shared = self.hook.shared();
        let mut failed = self.declare_layers(&self.connection, &shared).await;
        let exclusive = self.hook.exclusive(connection.purpose());
        failed.extend(self.declare_layers(connection, &exclusive).await);
        all_stand(failed)
    }

    async fn declare_layers(
        &self,
        connection: &Connection,
        layers: &[Vec<Declaration<'_>>],
    ) -> Vec<DeclarationError> {
        let deadline = self.deadline();
        if layers.is_empty() {
            return Vec::new();
        }
        let Ok(_turn) = deadline.limit(self.declaring.lock()).await else {
            return layers.iter().flatten().map(never_sent).collect();
        };
        let channels = OfConnection {
            connection,
            deadline,
            held: Mutex::default(),
        };
        declare_all(&channels, layers).await
    }

    /// Declares one queue, with its dead-letter queue.
    ///
    /// # Errors
    /// As [`declare`](Self::declare).
    pub async fn declare_queue(&self, queue: Queue) -> Result<(), AdminError> {
        self.declare(&Declarables::new().with(queue)).await
    }

    /// Declares one exchange.
    ///
    /// # Errors
    /// As [`declare`](Self::declare).
    pub async fn declare_exchange(&self, exchange: Exchange) -> Result<(), AdminError> {
        self.declare(&Declarables::new().with(exchange)).await
    }

    /// Declares one binding; both ends must be there.
    ///
    /// # Errors
    /// As [`declare`](Self::declare); [`AdminErrorKind::Missing`] when one end is not there.
    pub async fn declare_binding(&self, binding: Binding) -> Result<(), AdminError> {
        self.declare(&Declarables::new().with(binding)).await
    }

    /// Deletes a queue **with its messages**, and says how many went with it. One that is not there is 0.
    ///
    /// A queue of the program's topology is declared again on the next connection.
    ///
    /// # Errors
    /// When the user may not, the queue is another connection's, or the broker did not answer in time.
    pub async fn delete_queue(&self, queue: &str) -> Result<u32, AdminError> {
        self.delete_queue_when(queue, false, false).await
    }

    /// Deletes a queue only if nobody consumes from it and it is empty.
    ///
    /// # Errors
    /// [`AdminErrorKind::InUse`] when it is in use or not empty; else as [`delete_queue`](Self::delete_queue). A quorum
    /// queue does not know these conditions before RabbitMQ 4: [`AdminErrorKind::Refused`], and nothing is deleted.
    pub async fn delete_queue_if_idle(&self, queue: &str) -> Result<(), AdminError> {
        self.delete_queue_when(queue, true, true).await.map(drop)
    }

    async fn delete_queue_when(
        &self,
        queue: &str,
        if_unused: bool,
        if_empty: bool,
    ) -> Result<u32, AdminError> {
        let doing = format!("delete queue `{queue}`");
        let queue = name(&doing, queue)?;
        let (deadline, channel) = self.channel(&doing).await?;
        let deleted = channel.delete_queue(&queue, if_unused, if_empty, deadline);
        let deleted = deleted.await;
        done(&doing, channel, deleted)
    }

    /// Deletes an exchange with its bindings. One that is not there is no error.
    ///
    /// # Errors
    /// When the user may not, or the broker did not answer in time.
    pub async fn delete_exchange(&self, exchange: &str) -> Result<(), AdminError> {
        let doing = format!("delete exchange `{exchange}`");
        let exchange = name(&doing, exchange)?;
        let (deadline, channel) = self.channel(&doing).await?;
        let deleted = channel.delete_exchange(&exchange, false, deadline).await;
        done(&doing, channel, deleted)
    }

    /// Removes a binding. One that is not there is no error.
    ///
    /// # Errors
    /// [`AdminErrorKind::Missing`] when one end is not there; when the user may not, or the broker did not answer in time.
    pub async fn remove_binding(&self, binding: &Binding) -> Result<(), AdminError> {
        let doing = format!("remove the {binding}");
        let from = name(&doing, binding.source())?;
        let to = name(&doing, binding.destination().name())?;
        let key = name(&doing, binding.routing_key())?;
        let arguments = wire(binding.arguments());
        let (deadline, channel) = self.channel(&doing).await?;
        let removed = match binding.destination() {
            Destination::Queue(_) => {
                let removed = channel.unbind_queue(&to, &from, &key, arguments, deadline);
                removed.await
            }
            Destination::Exchange(_) => {
                let removed = channel.unbind_exchange(&to, &from, &key, arguments, deadline);
                removed.await
            }
        };
        done(&doing, channel, removed)
    }

    /// **Drops** every message that is ready in a queue, and says how many. Those delivered and not acknowledged stay.
    ///
    /// # Errors
    /// [`AdminErrorKind::Missing`] when it is not there; when the user may not, or the broker did not answer in time.
    pub async fn purge_queue(&self, queue: &str) -> Result<u32, AdminError> {
        let doing = format!("purge queue `{queue}`");
        let queue = name(&doing, queue)?;
        let (deadline, channel) = self.channel(&doing).await?;
        let purged = channel.purge_queue(&queue, deadline).await;
        done(&doing, channel, purged)
    }

    /// What the broker says of a queue; `None` when it is not there.
    ///
    /// # Errors
    /// [`AdminErrorKind::Locked`] when it is another connection's exclusive queue; when the user may not, or the broker
    /// did not answer in time.
    pub async fn queue_info(&self, queue: &str) -> Result<Option<QueueInfo>, AdminError> {
        let doing = format!("ask for queue `{queue}`");
        let queue = name(&doing, queue)?;
        let (deadline, channel) = self.channel(&doing).await?;
        let asked = channel.declare_queue(&queue, true, false, false, false, Vec::new(), deadline);
        let asked = asked.await;
        if let Err(error) = &asked
            && error.kind == TransportErrorKind::ChannelClosed(404)
        {
            return Ok(None);
        }
        let declared = done(&doing, channel, asked)?;
        Ok(Some(QueueInfo {
            name: declared.queue,
            messages: declared.messages,
            consumers: declared.consumers,
        }))
    }

    async fn channel(&self, doing: &str) -> Result<(Deadline, ChannelLease), AdminError> {
        let deadline = self.deadline();
        let leased = self.connection.lease(deadline).await;
        let lease = leased.map_err(|error| AdminError::connect(doing, error))?;
        Ok((deadline, lease))
    }
}

fn all_stand(failed: Vec<DeclarationError>) -> Result<(), AdminError> {
    if failed.is_empty() {
        Ok(())
    } else {
        Err(AdminError::declarations_failed(failed))
    }
}

/// Gives the channel back for the next call, unless the call has closed it.
fn done<T>(
    doing: &str,
    channel: ChannelLease,
    result: Result<T, TransportError>,
) -> Result<T, AdminError> {
    match result {
        Ok(value) => {
            channel.give_back();
            Ok(value)
        }
        Err(error) => {
            let kind = match error.kind {
                // Calls share the connection, and the broker closes it for a wrong declaration only: another call's.
                TransportErrorKind::ConnectionClosed(_) => AdminErrorKind::Connection,
                _ => kind_of(&error),
            };
            Err(AdminError::new(
                kind,
                format!("cannot {doing}: {}", error.text),
            ))
        }
    }
}

fn name(doing: &str, text: &str) -> Result<Name, AdminError> {
    Name::try_from(text).map_err(|error| {
        AdminError::new(AdminErrorKind::Invalid, format!("cannot {doing}: {error}"))
    })
}

impl fmt::Debug for RabbitAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitAdmin")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}
