use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::admin::RabbitAdmin;
use crate::connection::Connection;
use crate::error::Error;
use crate::listener::ListenerRegistry;
use crate::template::RabbitTemplate;
use crate::time::Deadline;

use super::bootstrap::Connections;
use super::embedded::Broker;
use super::rehearsal::Rehearsal;
use super::{Health, Ledger, StartError, StartReport, StopError, console, signal};

/// A running application. Cheap to clone.
///
/// When the last clone is dropped without a [`stop`](Self::stop), the stop begins, waits for nothing, and reports the
/// ledger and the id of every message that was in hand.
#[derive(Clone)]
pub struct RabbitApp(Arc<Running>);

/// What an application is made of.
pub(super) struct Parts {
    pub(super) configuration: &'static str,
    pub(super) template: RabbitTemplate,
    pub(super) admin: RabbitAdmin,
    pub(super) listeners: ListenerRegistry,
    pub(super) connections: Connections,
    pub(super) broker: Option<Broker>,
    pub(super) report: StartReport,
    pub(super) shutdown_timeout: Duration,
    pub(super) close_timeout: Duration,
}

struct Running {
    parts: Parts,
    stopping: AtomicBool,
    stopped: OnceCell<Result<(), StopError>>,
}

impl RabbitApp {
    pub(super) fn new(parts: Parts) -> Self {
        Self(Arc::new(Running {
            parts,
            stopping: AtomicBool::new(false),
            stopped: OnceCell::new(),
        }))
    }

    /// Has the test kit act before a listener consumes; if it fails, all is stopped again.
    pub(super) async fn rehearse(&self, rehearsal: &dyn Rehearsal) -> Result<(), StartError> {
        let consuming = &self.0.parts.connections.consuming;
        let begun = rehearsal.begin(consuming, &self.listeners()).await;
        if begun.is_err() {
            // No listener has consumed: there is nothing that the stop could leave unsettled.
            drop(self.stop().await);
        }
        begun
    }

    /// Starts what starts with the program; if one does not consume in time, all is stopped again.
    pub(super) async fn start_listeners(&self, deadline: Deadline) -> Result<(), StartError> {
        let listeners = self.listeners();
        listeners.start_auto();
        if let Err(late) = listeners.wait_consuming(deadline).await {
            // Nothing was handled that a stop could lose: what a listener has begun finishes or goes back.
            let stopped = self.stop().await;
            return Err(StartError::listeners(late, stopped.err()));
        }
        Ok(())
    }

    /// The template, to publish and to fetch.
    #[must_use]
    pub fn template(&self) -> RabbitTemplate {
        self.0.parts.template.clone()
    }

    /// The admin, to declare, delete, purge and ask by hand.
    #[must_use]
    pub fn admin(&self) -> RabbitAdmin {
        self.0.parts.admin.clone()
    }

    /// The listeners, to start, stop and pause them by id.
    #[must_use]
    pub fn listeners(&self) -> ListenerRegistry {
        self.0.parts.listeners.clone()
    }

    /// How it is, at this moment.
    #[must_use]
    pub fn health(&self) -> Health {
        let parts = &self.0.parts;
        Health {
            connections: parts.connections.all().map(Connection::health).collect(),
            listeners: parts.listeners.list(),
            unconfirmed: parts.template.counts().in_flight,
        }
    }

    /// What became of every message so far.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.0.parts.ledger()
    }

    /// What was started, and every unsafe choice.
    #[must_use]
    pub fn report(&self) -> &StartReport {
        &self.0.parts.report
    }

    /// The broker inside the process, if that is the one in use.
    #[cfg(feature = "embedded")]
    #[must_use]
    pub fn broker(&self) -> Option<&Arc<crate::transport::EmbeddedBroker>> {
        self.0.parts.broker.as_ref()
    }

    /// Runs until SIGTERM or Ctrl-C, then stops. A second signal does not hurry it: `shutdown-timeout` bounds it.
    ///
    /// Signals are watched from the moment this is first polled. Before that they end the program as they end any: what
    /// was not acknowledged the broker delivers again, and the fate of what was being published nobody learns. A program
    /// that publishes for long before it comes here polls this beside it, with `tokio::join!` or in a task of its own.
    ///
    /// # Errors
    /// As [`stop`](Self::stop), and when signals cannot be watched: then it stops at once.
    pub async fn run_until_shutdown(self) -> Result<(), Error> {
        match signal::ended().await {
            Ok(signal) => tracing::info!(signal, "stopping"),
            Err(error) => console::warn(&format!(
                "rmq: signals cannot be watched ({error}): stopping"
            )),
        }
        Ok(self.stop().await?)
    }

    /// Stops, within `shutdown-timeout`: lets running handlers finish, cancels consumers, hands back what was not
    /// started, proves the acknowledgements, waits for confirms, closes the connections. Reports the ledger.
    /// Further calls wait for the first and give the same.
    ///
    /// # Cancel safety
    /// If dropped, the stop goes on in a task of its own.
    ///
    /// # Errors
    /// Every message that was not settled at the deadline, by id.
    pub async fn stop(&self) -> Result<(), StopError> {
        let running = Arc::clone(&self.0);
        let stop =
            tokio::spawn(
                async move { running.stopped.get_or_init(|| running.stop()).await.clone() },
            );
        match stop.await {
            Ok(stopped) => stopped,
            // The runtime is going away with us.
            Err(_) => Ok(()),
        }
    }
}

impl Parts {
    fn ledger(&self) -> Ledger {
        Ledger {
            published: self.template.counts(),
            delivered: self.listeners.ledger(),
        }
    }

    fn tell_ledger(&self) {
        let ledger = self.ledger();
        console::tell(&format!("rmq: `{}` stopped\n{ledger}", self.configuration));
        if !ledger.adds_up() {
            console::warn(
                "rmq: the ledger does not add up. That is a bug of rmq: please report it with the lines above",
            );
        }
    }
}

impl Running {
    async fn stop(&self) -> Result<(), StopError> {
        self.stopping.store(true, Ordering::Release);
        let parts = &self.parts;
        let deadline = Deadline::after(parts.shutdown_timeout);
        // Handlers first: they may still publish. What is in flight then has the rest of the time.
        let deliveries = parts.listeners.stop_all(deadline).await;
        let publishes = parts.template.stop(deadline).await;
        parts
            .connections
            .close(Deadline::after(parts.close_timeout))
            .await;
        parts.tell_ledger();
        let settled = StopError::unless_settled(deliveries, publishes);
        if let Err(error) = &settled {
            console::warn(&error.to_string());
        }
        settled
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.stopping.load(Ordering::Acquire) {
            return;
        }
        let deliveries = self.parts.listeners.abandon();
        let publishes = self
            .parts
            .template
            .abandon("the application was dropped without a stop");
        console::warn(
            "rmq: the last handle of the application was dropped without `stop()`: stopping at once",
        );
        self.parts.tell_ledger();
        if let Err(error) = StopError::unless_settled(deliveries, publishes) {
            console::warn(&error.to_string());
        }
    }
}

impl fmt::Debug for RabbitApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitApp")
            .field("configuration", &self.0.parts.configuration)
            .field("ledger", &self.ledger())
            .finish_non_exhaustive()
    }
}
