//! What the tests of this room share: a connection to consume on, a publisher, handlers that write down what they see.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rmq_core::RabbitTemplate;
use rmq_core::component::Components;
use rmq_core::connection::{BrokerAddress, Connection, ConnectionSettings, Purpose};
use rmq_core::converter::JsonConverter;
use rmq_core::handler::{Acknowledgement, Failure, Handler, HandlerContext, Invoke, Outcome};
use rmq_core::listener::{
    EndpointSettings, ExecutorSettings, ListenerEndpoint, ListenerParts, ListenerRegistry,
    ListenerState, RetrySettings,
};
use rmq_core::name::Name;
use rmq_core::template::{Callbacks, TemplateParts, TemplateSettings};
use rmq_core::time::Deadline;
use rmq_core::transport::{Credentials, Limits, Target};
use rmq_tests::broker::unique;
use rmq_tests::raw::{self, Content, FieldTable, Properties, queue};
use tokio::sync::{Mutex, mpsc};

/// Far beyond what anything here takes: a test that waits this long has failed.
pub const LONG: Duration = Duration::from_secs(60);

pub fn soon() -> Deadline {
    Deadline::after(LONG)
}

pub fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

/// The numbers, or a smaller count that shows the same.
pub fn count(full: usize, quick: usize) -> usize {
    if std::env::var_os("RMQ_TEST_FULL").is_some() {
        full
    } else {
        quick
    }
}

/// Asks again and again until it is so.
pub async fn until<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let deadline = soon();
    while !so().await {
        assert!(!deadline.has_passed(), "never came: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A broker as a listener sees it, and as a raw client sees it.
pub struct Rig {
    pub connection: Connection,
    pub channel: raw::Channel,
    _raw: raw::Connection,
    pub template: RabbitTemplate,
}

impl Rig {
    pub async fn new(address: &str) -> Self {
        Self::with_limits(address, Limits::default()).await
    }

    /// One whose consuming connection takes no more than this.
    pub async fn with_limits(address: &str, limits: Limits) -> Self {
        let connection = connection_with(address, Purpose::Consuming, limits);
        connection.start(soon()).await.unwrap();
        let publishing = self::connection(address, Purpose::Publishing);
        publishing.start(soon()).await.unwrap();
        let template = RabbitTemplate::start(TemplateParts {
            settings: TemplateSettings::default(),
            publishing,
            consuming: connection.clone(),
            converter: Arc::new(JsonConverter),
            post_processors: Vec::new(),
            callbacks: Callbacks::default(),
            ledger: Arc::default(),
        });
        let raw = raw::Connection::open(address).await.unwrap();
        let channel = raw.channel(1).await.unwrap();
        channel.confirm_select().await.unwrap();
        Self {
            connection,
            channel,
            _raw: raw,
            template,
        }
    }

    /// A durable queue with a dead-letter queue `<name>.dlq`.
    pub async fn queue(&self, kind: &str) -> String {
        let name = unique("listener");
        self.declare(&name, kind, &[]).await;
        name
    }

    pub async fn declare(&self, name: &str, kind: &str, more: &[(&str, i32)]) {
        let dlq = format!("{name}.dlq");
        let mut arguments = raw::table::table([
            ("x-queue-type", raw::table::text(kind)),
            ("x-dead-letter-exchange", raw::table::text("")),
            ("x-dead-letter-routing-key", raw::table::text(&dlq)),
        ]);
        for (key, value) in more {
            arguments.insert((*key).into(), raw::table::number(*value));
        }
        self.declare_with(&dlq, FieldTable::default()).await;
        self.declare_with(name, arguments).await;
    }

    pub async fn declare_with(&self, name: &str, arguments: FieldTable) {
        let declare = queue::Declare {
            queue: name.into(),
            durable: true,
            arguments,
            ..Default::default()
        };
        self.channel.call(declare).await.unwrap();
    }

    pub async fn delete(&self, name: &str) {
        let delete = queue::Delete {
            queue: name.into(),
            ..Default::default()
        };
        self.channel.call(delete).await.unwrap();
    }

    /// Publishes bodies `0`, `1`, ... with message ids `m0`, `m1`, ...; each is in the queue when this returns.
    pub async fn fill(&self, queue: &str, messages: usize) {
        for n in 0..messages {
            let properties = Properties::default()
                .with_message_id(format!("m{n}").into())
                .with_delivery_mode(2);
            self.send(queue, Content::with(n.to_string(), properties).unwrap())
                .await;
        }
    }

    pub async fn send(&self, queue: &str, content: Content) {
        let verdict = self.channel.publish_and_wait("", queue, content).await;
        assert_eq!(verdict.unwrap(), raw::Verdict::Acked);
    }

    /// Messages ready in a queue.
    pub async fn ready(&self, queue: &str) -> usize {
        self.channel.counts(queue).await.unwrap().0 as usize
    }

    pub async fn until_ready(&self, queue: &str, messages: usize) {
        until(&format!("{messages} messages in {queue}"), || async {
            self.ready(queue).await == messages
        })
        .await;
    }

    pub fn registry(&self, endpoints: Vec<ListenerEndpoint>) -> ListenerRegistry {
        self.registry_with(endpoints, ExecutorSettings::default())
    }

    pub fn registry_with(
        &self,
        endpoints: Vec<ListenerEndpoint>,
        executor: ExecutorSettings,
    ) -> ListenerRegistry {
        ListenerRegistry::new(
            endpoints,
            ListenerParts {
                consuming: self.connection.clone(),
                unacknowledged: self.connection.clone(),
                publisher: Arc::new(self.template.clone()),
                admin: None,
                executor,
            },
        )
    }

    /// Starts one listener and waits until it consumes.
    pub async fn start(&self, endpoint: ListenerEndpoint) -> ListenerRegistry {
        self.start_all(vec![endpoint], ExecutorSettings::default())
            .await
    }

    pub async fn start_all(
        &self,
        endpoints: Vec<ListenerEndpoint>,
        executor: ExecutorSettings,
    ) -> ListenerRegistry {
        let registry = self.registry_with(endpoints, executor);
        registry.start_auto();
        registry.wait_consuming(soon()).await.unwrap();
        registry
    }
}

/// Stops everything, and checks that nothing is cut off and that the ledger adds up.
pub async fn stop(registry: &ListenerRegistry) {
    let unsettled = registry
        .stop_all(Deadline::after(Duration::from_secs(30)))
        .await;
    assert_eq!(unsettled, []);
    check_ledger(registry);
}

pub fn check_ledger(registry: &ListenerRegistry) {
    let ledger = registry.ledger().deliveries;
    assert!(ledger.adds_up(), "{ledger}");
    assert_eq!(ledger.in_flight, 0, "{ledger}");
}

pub async fn until_state(
    registry: &ListenerRegistry,
    id: &str,
    wanted: impl Fn(&ListenerState) -> bool,
) -> ListenerState {
    let mut state = registry.state(id).unwrap();
    let seen = soon().limit(state.wait_for(|state| wanted(state))).await;
    seen.expect("the state never came").unwrap().clone()
}

pub fn connection(address: &str, purpose: Purpose) -> Connection {
    connection_with(address, purpose, Limits::default())
}

fn connection_with(address: &str, purpose: Purpose, limits: Limits) -> Connection {
    let (host, port) = address.rsplit_once(':').unwrap();
    let address = BrokerAddress {
        target: Target::Tcp {
            host: host.into(),
            port: port.parse().unwrap(),
            tls: None,
        },
        credentials: Credentials::Plain {
            username: "guest".into(),
            password: "guest".into(),
        },
        virtual_host: "/".into(),
    };
    let mut settings = ConnectionSettings::new("rmq listener tests", vec![address]);
    settings.limits = limits;
    Connection::new(Arc::new(settings), purpose)
}

/// What a handler in a test does with a delivery: its context's facts, and an outcome.
pub fn handler<F, Fut>(handle: F) -> Handler
where
    F: Fn(Seen) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    Handler {
        arguments: Vec::new(),
        invoke: Invoke::Async(Box::new(move |context| {
            Ok(Box::pin(handle(Seen::of(context))))
        })),
    }
}

pub fn plain(handle: impl Fn(Seen) -> Outcome + Send + Sync + 'static) -> Handler {
    Handler {
        arguments: Vec::new(),
        invoke: Invoke::Blocking(Box::new(move |context| Ok(handle(Seen::of(context))))),
    }
}

/// One attempt at a delivery, as its handler sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub body: String,
    pub attempt: u32,
    pub redelivered: bool,
    /// How often the broker has delivered it before, where a quorum queue counts that.
    pub delivered_before: Option<u64>,
    pub queue: String,
    pub acknowledger: Option<rmq_core::handler::Acknowledger>,
}

impl Seen {
    fn of(context: &HandlerContext) -> Self {
        Self {
            body: String::from_utf8_lossy(context.message().body()).into_owned(),
            attempt: context.attempt(),
            redelivered: context.delivery().redelivered(),
            delivered_before: context.delivery().delivery_count(),
            queue: context.scope().queue.to_string(),
            acknowledger: context.acknowledger().cloned(),
        }
    }

    pub fn number(&self) -> usize {
        self.body.parse().unwrap()
    }
}

pub const fn done() -> Outcome {
    Outcome::Settled(Acknowledgement::Ack)
}

pub fn failed(text: &str) -> Outcome {
    Outcome::Failed(Failure::of(text.into()))
}

pub fn fatal(text: &str) -> Outcome {
    Outcome::Failed(Failure::fatal(text))
}

/// A listener of these settings, with quick retries.
pub fn listener(id: &str, queue: &str) -> EndpointSettings {
    let mut settings = EndpointSettings::new(id, name(queue));
    settings.retry = RetrySettings {
        initial_interval: Duration::from_millis(20),
        max_interval: Duration::from_millis(200),
        ..RetrySettings::default()
    };
    settings.recovery_interval = Duration::from_millis(500);
    settings
}

pub fn endpoint(settings: EndpointSettings, handler: Handler) -> ListenerEndpoint {
    ListenerEndpoint {
        settings,
        handler,
        components: Components::new(),
        converter: Arc::new(JsonConverter),
        recoverer: None,
    }
}

/// Writes down what handlers see.
pub struct Notes<T>(mpsc::UnboundedSender<T>, Mutex<mpsc::UnboundedReceiver<T>>);

impl<T> Notes<T> {
    pub fn new() -> Arc<Self> {
        let (send, receive) = mpsc::unbounded_channel();
        Arc::new(Self(send, Mutex::new(receive)))
    }

    pub fn note(&self, seen: T) {
        self.0.send(seen).ok().unwrap();
    }

    pub async fn next(&self) -> T {
        let mut notes = self.1.lock().await;
        soon()
            .limit(notes.recv())
            .await
            .expect("nothing came")
            .unwrap()
    }

    pub async fn take(&self, many: usize) -> Vec<T> {
        let mut all = Vec::new();
        while all.len() < many {
            all.push(self.next().await);
        }
        all
    }
}
