//! Listeners of queue `orders` whose handlers are the test's.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use rmq_core::prelude::*;
use rmq_core::{BoxError, ListenerLedger};
use rmq_embedded::{EmbeddedBroker, Event};
use tokio::sync::{Semaphore, watch};

use crate::stage::{LONG, Shop, Stage, ends, shop_of};

/// One attempt, as its handler sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub id: String,
    pub attempt: u32,
    pub redelivered: bool,
}

pub type Ended = Result<Acknowledgement, BoxError>;
type Act = Box<dyn Fn(Seen) -> BoxFuture<'static, Ended> + Send + Sync>;

/// What the handler under test does, and what it has seen.
#[derive(Clone)]
pub struct Script {
    act: Arc<Act>,
    seen: Arc<watch::Sender<Vec<Seen>>>,
    kept: Arc<Mutex<Vec<Acknowledger>>>,
    /// For handlers that wait until the test lets them go on.
    pub gate: Arc<Semaphore>,
}

impl Script {
    pub fn new<F>(act: impl Fn(Seen) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Ended> + Send + 'static,
    {
        Self {
            act: Arc::new(Box::new(move |seen| Box::pin(act(seen)))),
            seen: Arc::new(watch::Sender::new(Vec::new())),
            kept: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    /// Every handler succeeds.
    pub fn done() -> Self {
        Self::new(|_| async { Ok(Acknowledgement::Ack) })
    }

    /// Handlers wait at the gate, then succeed.
    pub fn gated() -> Self {
        Self::gated_then(|_| Ok(Acknowledgement::Ack))
    }

    /// Handlers wait at the gate, then end so.
    pub fn gated_then(end: impl Fn(&Seen) -> Ended + Send + Sync + 'static) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let end = Arc::new(end);
        let waiting = Arc::clone(&gate);
        let script = Self::new(move |seen| {
            let (gate, end) = (Arc::clone(&waiting), Arc::clone(&end));
            async move {
                gate.acquire().await?.forget();
                end(&seen)
            }
        });
        Self { gate, ..script }
    }

    async fn call(&self, seen: Seen) -> Ended {
        self.seen.send_modify(|all| all.push(seen.clone()));
        (self.act)(seen).await
    }

    /// Waits until handlers were called so often, and gives the calls.
    pub async fn calls(&self, wanted: usize) -> Vec<Seen> {
        let mut seen = self.seen.subscribe();
        let enough = seen.wait_for(|seen| seen.len() >= wanted);
        ends("the handler's calls", enough).await.unwrap().clone()
    }

    /// Those that manual handlers were given.
    pub fn acknowledgers(&self) -> Vec<Acknowledger> {
        self.kept.lock().clone()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }
}

fn seen(facts: &DeliveryFacts) -> Seen {
    Seen {
        id: facts.message_id().unwrap_or_default().to_owned(),
        attempt: facts.attempt(),
        redelivered: facts.redelivered(),
    }
}

#[rabbit_listener(queue = "orders", config = Shop)]
pub async fn on_order(_body: String, facts: DeliveryFacts, script: State<Script>) -> Ended {
    script.call(seen(&facts)).await
}

/// Answers each order with its id.
#[rabbit_listener(queue = "orders", id = "on_order", config = Shop)]
pub async fn answers(
    facts: DeliveryFacts,
    script: State<Script>,
) -> Result<Reply<String>, BoxError> {
    let seen = seen(&facts);
    let id = seen.id.clone();
    script.call(seen).await?;
    Ok(Reply::new(id))
}

/// Wants a header.
#[rabbit_listener(queue = "orders", id = "on_order", config = Shop)]
pub async fn of_tenant(
    #[header("x-tenant")] _tenant: String,
    facts: DeliveryFacts,
    script: State<Script>,
) -> Ended {
    script.call(seen(&facts)).await
}

/// A plain function.
#[rabbit_listener(queue = "orders", id = "on_order", config = Shop)]
pub fn plain(facts: DeliveryFacts, script: State<Script>) -> Ended {
    futures_util::future::FutureExt::now_or_never(script.call(seen(&facts))).unwrap()
}

/// Settles nothing itself: keeps its acknowledgers for the test.
#[rabbit_listener(queue = "orders", id = "on_order", ack = "manual", config = Shop)]
pub async fn by_hand(
    acknowledger: Acknowledger,
    facts: DeliveryFacts,
    script: State<Script>,
) -> Result<(), BoxError> {
    script.kept.lock().push(acknowledger);
    script.call(seen(&facts)).await.map(drop)
}

/// Retries that take no time, so that tests are quick; orders of `orders` end in `orders.dlq`.
const QUICK: &str = "  listener: { simple: { retry: { initial-interval: 5ms, max-interval: 20ms }, recovery-interval: 50ms } }\n";

macro_rules! consuming {
    ($listener:ident, $more:expr, $script:expr) => {
        crate::consume::shop::start(
            rmq_core::prelude::listeners![
                crate::consume::shop::$listener,
                crate::stage::confirmed,
                crate::stage::returned
            ],
            $more,
            $script,
        )
        .await
    };
}
pub(crate) use consuming;

/// An application with one of the listeners above and the script for it.
pub async fn start(
    listener: rmq_core::registry::Registrations,
    more: &str,
    script: &Script,
) -> Stage {
    let quick = if more.contains("listener:") {
        ""
    } else {
        QUICK
    };
    let (builder, told) = shop_of(listener, &format!("{quick}{more}"));
    let builder = builder.state(script.clone());
    Stage::with(EmbeddedBroker::builder(), builder, told).await
}

impl Stage {
    /// Sends orders of these ids; each is in the queue when this returns.
    pub async fn order_all(&self, ids: &[&str]) {
        for id in ids {
            self.send_order(id).await;
        }
    }

    pub async fn send_order(&self, id: &str) {
        let order = self.template().convert_and_send("orders", "in", id);
        let sent = order.message_id(id.to_owned()).into_future();
        ends("an order", sent).await.unwrap();
    }

    /// Waits until so many deliveries of the listener have ended, and gives the counts.
    pub async fn settled(&self, deliveries: u64) -> ListenerLedger {
        let deadline = rmq_core::time::Deadline::after(LONG);
        let listeners = self.app.listeners();
        let all = |counts: &ListenerLedger| {
            counts.deliveries.delivered - counts.deliveries.in_flight >= deliveries
        };
        listeners.wait_for("on_order", deadline, all).await.unwrap()
    }

    pub fn acks(&self) -> usize {
        self.record().count(is_ack)
    }

    /// Waits until the broker waits for so many acks of queue `orders`, and nothing is ready in it.
    pub async fn until_unacked(&self, wanted: usize) {
        let counts = |broker: &EmbeddedBroker| {
            (broker.ready_count("orders"), broker.unacked_count("orders"))
        };
        let acked = async {
            while counts(&self.broker) != (Some(0), Some(wanted)) {
                tokio::task::yield_now().await;
            }
        };
        ends("the acks", acked).await;
    }

    /// Waits for an event of the broker's record.
    pub async fn seen(&self, matches: impl Fn(&Event) -> bool) {
        self.record().wait_for(LONG, matches).await.unwrap();
    }
}

pub fn is_ack(event: &Event) -> bool {
    matches!(event, Event::Acked { .. })
}

/// Given back by a nack or reject with requeue.
pub fn is_requeue(event: &Event) -> bool {
    matches!(event, Event::Rejected { requeue: true, .. })
}

pub fn is_dead_letter(event: &Event, id: &str) -> bool {
    matches!(event, Event::DeadLettered { message_id, .. } if message_id.as_deref() == Some(id))
}
