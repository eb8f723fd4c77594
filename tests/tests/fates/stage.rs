//! A broker inside the process, an application on it, callbacks that write down what they are told.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rmq_core::prelude::*;
use rmq_core::registry::Registrations;
use rmq_core::{Ledger, Publish, PublishError, RabbitBuilder};
use rmq_embedded::{EmbeddedBroker, Event, Record};
use tokio::sync::watch;

/// Far beyond what anything here takes.
pub const LONG: Duration = Duration::from_secs(30);

/// A future that must end.
pub async fn ends<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LONG, future).await {
        Ok(value) => value,
        Err(_) => panic!("it did not end: {what}"),
    }
}

#[rabbit_config]
pub struct Shop;

/// One callback that was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Returned(String),
    Confirm(String, PublishOutcome),
}

/// What callbacks do beside writing down what they are told.
type Act = Box<dyn Fn(&Line) + Send + Sync>;

/// What the callbacks were told, in order.
#[derive(Clone)]
pub struct Told {
    lines: watch::Sender<Vec<Line>>,
    act: Arc<Mutex<Option<Act>>>,
}

impl Told {
    fn new() -> Self {
        Self {
            lines: watch::Sender::new(Vec::new()),
            act: Arc::default(),
        }
    }

    pub fn note(&self, line: Line) {
        self.lines.send_modify(|lines| lines.push(line.clone()));
        if let Some(act) = &*self.act.lock() {
            act(&line);
        }
    }

    /// From now on a callback also does this, and panics when this panics.
    pub fn act(&self, act: impl Fn(&Line) + Send + Sync + 'static) {
        *self.act.lock() = Some(Box::new(act));
    }

    pub fn lines(&self) -> Vec<Line> {
        self.lines.borrow().clone()
    }

    /// Waits until so many callbacks were called.
    pub async fn wait(&self, lines: usize) {
        let mut told = self.lines.subscribe();
        let enough = told.wait_for(|told| told.len() >= lines);
        drop(ends("the callbacks", enough).await.unwrap());
    }
}

#[on_confirm(config = Shop)]
pub async fn confirmed(confirm: Confirm, told: State<Told>) {
    let id = confirm.correlation_id().to_owned();
    told.note(Line::Confirm(id, confirm.outcome()));
}

#[on_return(config = Shop)]
pub async fn returned(message: ReturnedMessage, told: State<Told>) {
    let id = message.message().message_id().unwrap_or_default();
    told.note(Line::Returned(id.to_owned()));
}

/// A running application; exchange `orders` has the quorum queue `orders` under the key `in`.
pub struct Stage {
    pub broker: Arc<EmbeddedBroker>,
    pub app: RabbitApp,
    pub told: Told,
}

const TOPOLOGY: &str = "\
rabbitmq:
  connection-name: fates
  topology:
    exchanges: [{ name: orders, type: direct }]
    queues: [{ name: orders }]
    bindings: [{ exchange: orders, queue: orders, routing-key: in }]
";

/// An application without listeners.
pub fn shop(more: &str) -> (RabbitBuilder, Told) {
    shop_of(listeners![confirmed, returned], more)
}

/// An application with these listeners and callbacks.
pub fn shop_of(listeners: Registrations, more: &str) -> (RabbitBuilder, Told) {
    let told = Told::new();
    let builder = Shop::builder()
        .environment::<String, String>([])
        .properties("fates.yml", format!("{TOPOLOGY}{more}"))
        .state(told.clone())
        .only(listeners);
    (builder, told)
}

impl Stage {
    /// `more` is what stands below `rabbitmq:`, indented by two.
    pub async fn start(more: &str) -> Self {
        Self::on(EmbeddedBroker::builder(), more).await
    }

    pub async fn on(broker: rmq_embedded::Builder, more: &str) -> Self {
        let (builder, told) = shop(more);
        Self::with(broker, builder, told).await
    }

    pub async fn with(broker: rmq_embedded::Builder, builder: RabbitBuilder, told: Told) -> Self {
        // What a failing test saw: `RUST_LOG=rmq_core=debug`. The first test sets it for all.
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let _already_set = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_test_writer()
            .try_init();
        let broker = Arc::new(broker.start().await.unwrap());
        let builder = builder.broker(Arc::clone(&broker));
        let app = ends("the start", builder.start()).await.unwrap();
        Self { broker, app, told }
    }

    pub fn template(&self) -> RabbitTemplate {
        self.app.template()
    }

    pub fn record(&self) -> Record {
        self.broker.record()
    }

    /// A publish of a body that is its id.
    pub fn send(&self, key: &str, id: &str) -> Publish {
        self.template()
            .send("orders", key.to_owned(), Message::new(id.to_owned()))
            .message_id(id.to_owned())
    }

    /// Waits until the broker has seen so many publishes of this id.
    pub async fn published(&self, id: &str, times: usize) {
        let seen = self
            .record()
            .wait_for_count(LONG, times, |event| is_publish(event, id))
            .await;
        seen.unwrap();
    }

    /// Waits until every connection was lost and is open again.
    pub async fn until_up_again(&self) {
        let up = async {
            let again = |stage: &Self| {
                let health = stage.app.health();
                let mut connections = health.connections.iter();
                connections.all(|connection| connection.lost > 0 && connection.is_up())
            };
            while !again(self) {
                tokio::task::yield_now().await;
            }
        };
        ends("to be connected again", up).await;
    }

    /// The ids of all publishes the broker has seen, in order.
    pub fn order(&self) -> Vec<String> {
        self.record()
            .events()
            .iter()
            .filter_map(|one| match &one.event {
                Event::Published { message_id, .. } => message_id.as_deref().map(str::to_owned),
                _ => None,
            })
            .collect()
    }

    /// How often queue `orders` has stored this id.
    pub fn stored(&self, id: &str) -> usize {
        self.record().count(|event| match event {
            Event::Stored { queue, message_id } => {
                &**queue == "orders" && message_id.as_deref() == Some(id)
            }
            _ => false,
        })
    }

    /// Stops; the ledger must add up with nothing in flight, and each message sent was told to the callback once.
    pub async fn finish(self) -> Ledger {
        let stopped = ends("the stop", self.app.stop()).await;
        let ledger = self.app.ledger();
        assert!(stopped.is_ok(), "{stopped:?}");
        self.check(&ledger);
        ledger
    }

    /// As [`finish`](Self::finish), where the stop leaves something unsettled: its report.
    pub async fn finish_unsettled(self) -> (Ledger, rmq_core::StopError) {
        let stopped = ends("the stop", self.app.stop()).await;
        let ledger = self.app.ledger();
        self.check(&ledger);
        (ledger, stopped.expect_err("something was unsettled"))
    }

    fn check(&self, ledger: &Ledger) {
        assert!(ledger.adds_up(), "{ledger}");
        assert_eq!(ledger.published.in_flight, 0, "{ledger}");
        assert_eq!(ledger.delivered.deliveries.in_flight, 0, "{ledger}");
        let lines = self.told.lines();
        let confirms = lines
            .iter()
            .filter(|line| matches!(line, Line::Confirm(..)));
        assert_eq!(confirms.count() as u64, ledger.published.sent, "{ledger}");
        assert_eq!(self.template().window_used(), 0);
    }
}

pub fn is_publish(event: &Event, id: &str) -> bool {
    matches!(event, Event::Published { message_id, .. } if message_id.as_deref() == Some(id))
}

/// The whole message is in the error, as it was sent.
pub fn holds_whole(error: PublishError, id: &str) {
    assert_eq!(error.message_id(), id);
    let message = error.into_message().expect("the whole message");
    assert_eq!(message.body(), id);
    assert_eq!(message.message_id(), Some(id));
}

/// Where in the record the first event of a kind stands.
pub fn place(record: &Record, what: &str, matches: impl Fn(&Event) -> bool) -> u64 {
    let events = record.events();
    let found = events.iter().find(|one| matches(&one.event));
    found
        .unwrap_or_else(|| panic!("the record has no {what}"))
        .sequence
}
