//! From a plan to a running application: connections, topology, template, listeners.

use std::sync::Arc;

use crate::admin::RabbitAdmin;
use crate::connection::{ConnectError, Connection, ConnectionEvent, ConnectionSettings, Purpose};
use crate::listener::{ListenerParts, ListenerRegistry};
use crate::observability::PublishLedger;
use crate::template::{MessagePostProcessor, RabbitTemplate, TemplateParts};
use crate::time::Deadline;

use super::embedded::Broker;
use super::ownership::unacknowledged_queues;
use super::plan::Plan;
use super::rabbit_app::{Parts, RabbitApp};
use super::rehearsal::Rehearsal;
use super::report::StartReport;
use super::{StartError, console};

/// The connections of an application. Publishing and consuming are kept apart, so that a broker that blocks
/// publishers cannot stop acknowledgements.
pub(super) struct Connections {
    pub(super) publishing: Connection,
    pub(super) consuming: Connection,
    pub(super) admin: Connection,
    /// For acknowledge mode `none`, whose deliveries nothing bounds but TCP; only where a listener has it.
    pub(super) unacknowledged: Option<Connection>,
}

impl Connections {
    fn new(settings: ConnectionSettings, any_unacknowledged: bool) -> Self {
        let settings = Arc::new(settings);
        let connection = |purpose| Connection::new(Arc::clone(&settings), purpose);
        Self {
            publishing: connection(Purpose::Publishing),
            consuming: connection(Purpose::Consuming),
            admin: connection(Purpose::Admin),
            unacknowledged: any_unacknowledged.then(|| connection(Purpose::Unacknowledged)),
        }
    }

    /// All of them; the one that declares first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Connection> {
        [&self.admin, &self.publishing, &self.consuming]
            .into_iter()
            .chain(&self.unacknowledged)
    }

    /// One after another: what is wrong with the first is wrong with all, and is told once.
    async fn start(&self, deadline: Deadline) -> Result<(), StartError> {
        for connection in self.all() {
            let started = start_one(connection, deadline).await;
            started.map_err(StartError::connect)?;
        }
        Ok(())
    }

    pub(super) async fn close(&self, deadline: Deadline) {
        for connection in self.all() {
            connection.close(deadline).await;
        }
    }
}

/// Starts a connection. A broker that is not there yet is told at its first refusal: nobody should look at a silent
/// program until the deadline.
async fn start_one(connection: &Connection, deadline: Deadline) -> Result<(), ConnectError> {
    let mut events = connection.events();
    let start = connection.start(deadline);
    tokio::pin!(start);
    let mut told = false;
    loop {
        tokio::select! {
            biased;
            started = &mut start => return started,
            event = events.recv(), if !told => {
                if let Ok(ConnectionEvent::AttemptFailed(error)) = event && !error.permanent {
                    told = true;
                    let rest = deadline.remaining();
                    console::tell_if_mute(&format!("not connected yet: {error}; trying on for {rest:.0?} (`start-timeout`)"));
                }
            }
        }
    }
}

/// What a start takes beside its plan.
pub(super) struct Beside {
    pub(super) post_processors: Vec<Arc<dyn MessagePostProcessor>>,
    pub(super) broker: Option<Broker>,
    pub(super) rehearsal: Option<Arc<dyn Rehearsal>>,
}

/// Starts the plan.
pub(super) async fn start(
    configuration: &'static str,
    plan: Plan,
    beside: Beside,
) -> Result<RabbitApp, StartError> {
    let Beside {
        post_processors,
        broker,
        rehearsal,
    } = beside;
    let report = StartReport::new(configuration, &plan);
    let start_timeout = plan.properties.connection.start_timeout;
    let deadline = Deadline::after_or_never(start_timeout);
    let close_timeout = plan.connection.close_timeout;
    let unacknowledged = unacknowledged_queues(&plan.endpoints);
    let connections = Connections::new(plan.connection, !unacknowledged.is_empty());
    let admin = RabbitAdmin::beside_unacknowledged(
        connections.admin.clone(),
        Arc::new(plan.topology),
        unacknowledged,
    );
    for connection in connections.all().skip(1) {
        admin.declare_on_open(connection);
    }
    if let Err(error) = connections.start(deadline).await {
        connections.close(Deadline::after(close_timeout)).await;
        return Err(error);
    }
    let template = RabbitTemplate::start(TemplateParts {
        settings: plan.template,
        publishing: connections.publishing.clone(),
        consuming: connections.consuming.clone(),
        converter: plan.converter,
        post_processors,
        callbacks: plan.callbacks,
        ledger: Arc::new(PublishLedger::default()),
    });
    let listeners = ListenerRegistry::new(
        plan.endpoints,
        ListenerParts {
            unacknowledged: connections
                .unacknowledged
                .clone()
                .unwrap_or_else(|| connections.consuming.clone()),
            consuming: connections.consuming.clone(),
            publisher: Arc::new(template.clone()),
            admin: Some(admin.clone()),
            executor: plan.executor,
        },
    );
    let shutdown_timeout = plan.properties.connection.shutdown_timeout;
    let parts = Parts {
        configuration,
        template,
        admin,
        listeners,
        connections,
        broker,
        report,
        shutdown_timeout,
        close_timeout,
    };
    let app = RabbitApp::new(parts);
    let deadline = match rehearsal {
        Some(rehearsal) => {
            app.rehearse(&*rehearsal).await?;
            // What it waited for is not the start's.
            Deadline::after_or_never(start_timeout)
        }
        None => deadline,
    };
    app.start_listeners(deadline).await?;
    console::tell(&app.report().to_string());
    Ok(app)
}
