//! On a broker that is shared: one harness at a time for each queue.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::app::{Rehearsal, StartError};
use crate::connection::{Connection, HookError, NewLink, OpenHook};
use crate::listener::ListenerRegistry;
use crate::name::Name;
use crate::observability::DeliveryWitness;
use crate::time::Deadline;
use crate::transport::{Channel, TransportError, TransportErrorKind};

use super::log::Log;

/// How long a harness waits for its turn at a queue.
const PATIENCE: Duration = Duration::from_secs(300);
/// Between two looks, at most: the broker does not tell when a queue becomes free.
const LOOK: Duration = Duration::from_millis(100);
/// RESOURCE_LOCKED: the queue is another connection's.
const LOCKED: u16 = 405;

/// What a harness does before its listeners consume.
pub(super) struct Turn {
    pub(super) log: Arc<Log>,
    /// Whether others may use the broker.
    pub(super) shared: bool,
}

impl Rehearsal for Turn {
    fn begin<'a>(
        &'a self,
        consuming: &'a Connection,
        listeners: &'a ListenerRegistry,
    ) -> BoxFuture<'a, Result<(), StartError>> {
        Box::pin(async move {
            let witness: Arc<dyn DeliveryWitness> = self.log.clone();
            listeners.witnessed_by(&witness);
            if !self.shared {
                return Ok(());
            }
            // In one order for all, so that no two wait for each other.
            let queues: BTreeSet<Name> = listeners
                .list()
                .into_iter()
                .flat_map(|listener| listener.queues)
                .collect();
            // First of all, so that no new link is ever used without it.
            consuming.on_open(Arc::new(TakenAgain {
                queues: queues.clone(),
            }));
            let deadline = Deadline::after(PATIENCE);
            for queue in queues {
                take(consuming, &queue, deadline).await?;
            }
            Ok(())
        })
    }
}

/// Takes the turn at a queue: an exclusive queue named after it, which the broker deletes with the connection, however
/// the test ends.
async fn take(consuming: &Connection, queue: &Name, deadline: Deadline) -> Result<(), StartError> {
    let name = mark(queue);
    loop {
        let lease = consuming
            .lease(deadline)
            .await
            .map_err(StartError::connect)?;
        match declare(&lease, &name, deadline).await {
            Ok(_) => {
                lease.give_back();
                return Ok(());
            }
            Err(error) if error.kind == TransportErrorKind::ChannelClosed(LOCKED) => {}
            Err(error) => return Err(StartError::harness(error)),
        }
        let pause = LOOK.min(deadline.remaining()).mul_f64(fastrand::f64());
        if deadline.limit(tokio::time::sleep(pause)).await.is_err() {
            return Err(StartError::harness(format!(
                "another test had its turn at queue `{queue}` for all of {PATIENCE:?}"
            )));
        }
    }
}

async fn declare(channel: &Channel, mark: &Name, deadline: Deadline) -> Result<(), TransportError> {
    let declared = channel.declare_queue(mark, false, false, true, false, Vec::new(), deadline);
    declared.await.map(drop)
}

/// The turn ends with the connection: a new one takes it again before anything consumes on it. While another test has
/// it the new connection is given up and opened again later.
struct TakenAgain {
    queues: BTreeSet<Name>,
}

impl TakenAgain {
    async fn take(&self, link: &NewLink) -> Result<(), TransportError> {
        let deadline = link.call_deadline();
        let channel = link.open_channel(deadline).await?;
        for queue in &self.queues {
            declare(&channel, &mark(queue), deadline).await?;
        }
        channel.close(deadline).await;
        Ok(())
    }
}

impl OpenHook for TakenAgain {
    fn doing(&self) -> &'static str {
        "take the test's turn at its queues again"
    }

    fn run<'a>(&'a self, link: &'a NewLink) -> BoxFuture<'a, Result<(), HookError>> {
        Box::pin(async move {
            self.take(link).await.map_err(|error| HookError {
                error: error.into(),
                permanent: false,
            })
        })
    }
}

fn mark(queue: &Name) -> Name {
    let marked = Name::try_from(format!("rmq-harness.turn.{queue}"));
    // A name too long to be marked: all such queues share one turn.
    marked.unwrap_or_else(|_| Name::from_static("rmq-harness.turn"))
}
