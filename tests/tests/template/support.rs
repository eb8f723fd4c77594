//! A template, its connections, and queues to send to.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rmq_core::connection::{BrokerAddress, ChannelLease, Connection, ConnectionSettings, Purpose};
use rmq_core::converter::JsonConverter;
use rmq_core::message::{Confirm, Delivery, PublishOutcome, ReturnedMessage, Value};
use rmq_core::name::Name;
use rmq_core::observability::PublishLedger;
use rmq_core::template::{
    Callbacks, Confirmed, PublishError, PublishErrorKind, RabbitTemplate, TemplateParts,
    TemplateSettings,
};
use rmq_core::time::Deadline;
use rmq_core::transport::{CloseCause, ConsumeSpec, Credentials, DeliverySink, Limits, Target};
use rmq_tests::broker::unique;

pub const LONG: Duration = Duration::from_secs(180);

pub fn soon() -> Deadline {
    Deadline::after(LONG)
}

/// A future that must end: what does not hang has ended long before, in a full run on a slow machine, too.
pub async fn ends<T>(what: &str, future: impl Future<Output = T>) -> T {
    let times = u32::try_from(sized(8, 1)).unwrap_or(1);
    match tokio::time::timeout(LONG * times, future).await {
        Ok(value) => value,
        Err(_) => panic!("it did not end: {what}"),
    }
}

/// The number of the issue in a full run, the smaller one otherwise.
pub fn sized(full: usize, small: usize) -> usize {
    if std::env::var_os("RMQ_TEST_FULL").is_some() {
        full
    } else {
        small
    }
}

pub fn name(name: &str) -> Name {
    Name::try_from(name).unwrap()
}

/// A running template.
pub struct Rig {
    pub template: RabbitTemplate,
    pub publishing: Connection,
    pub consuming: Connection,
    /// Every confirm the callback was told, by correlation id.
    pub confirms: Arc<Mutex<HashMap<String, Vec<PublishOutcome>>>>,
    /// Every message the return callback was told.
    pub returns: Arc<Mutex<Vec<ReturnedMessage>>>,
}

pub fn tcp(address: &str) -> Target {
    let (host, port) = address.rsplit_once(':').unwrap();
    Target::Tcp {
        host: host.to_owned(),
        port: port.parse().unwrap(),
        tls: None,
    }
}

impl Rig {
    pub async fn start(address: &str) -> Self {
        Self::with(tcp(address), TemplateSettings::default()).await
    }

    pub async fn with(target: Target, settings: TemplateSettings) -> Self {
        Self::with_limits(target, settings, Limits::default()).await
    }

    /// One whose connections take no more than this.
    pub async fn with_limits(target: Target, settings: TemplateSettings, limits: Limits) -> Self {
        Self::build(target, settings, limits, |noting| noting).await
    }

    /// One whose callbacks are made of those that write down what they are told.
    pub async fn with_callbacks(
        target: Target,
        settings: TemplateSettings,
        callbacks: impl FnOnce(Callbacks) -> Callbacks,
    ) -> Self {
        Self::build(target, settings, Limits::default(), callbacks).await
    }

    async fn build(
        target: Target,
        settings: TemplateSettings,
        limits: Limits,
        callbacks: impl FnOnce(Callbacks) -> Callbacks,
    ) -> Self {
        // What a failing test saw: `RUST_LOG=rmq_core=debug`. The first test sets it for all.
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let _already_set = tracing_subscriber::fmt().with_env_filter(filter).try_init();
        let address = BrokerAddress {
            target,
            credentials: Credentials::Plain {
                username: "guest".to_owned(),
                password: "guest".to_owned(),
            },
            virtual_host: "/".to_owned(),
        };
        let mut connection = ConnectionSettings::new("rmq-tests", vec![address]);
        connection.back_off.max = Duration::from_secs(1);
        connection.limits = limits;
        let connection = Arc::new(connection);
        let publishing = Connection::new(Arc::clone(&connection), Purpose::Publishing);
        let consuming = Connection::new(connection, Purpose::Consuming);
        ends("publishing", publishing.start(soon())).await.unwrap();
        ends("consuming", consuming.start(soon())).await.unwrap();
        let confirms = Arc::new(Mutex::new(HashMap::new()));
        let returns = Arc::default();
        let template = RabbitTemplate::start(TemplateParts {
            settings,
            publishing: publishing.clone(),
            consuming: consuming.clone(),
            converter: Arc::new(JsonConverter),
            post_processors: Vec::new(),
            callbacks: callbacks(note(&confirms, &returns)),
            ledger: Arc::new(PublishLedger::default()),
        });
        Self {
            template,
            publishing,
            consuming,
            confirms,
            returns,
        }
    }

    pub async fn lease(&self) -> ChannelLease {
        ends("a channel", self.consuming.lease(soon()))
            .await
            .unwrap()
    }

    /// A new queue, bound to a new direct exchange with this key. The names of both.
    pub async fn bound(&self, key: &str, arguments: Vec<(&'static str, Value)>) -> (Name, Name) {
        let (exchange, queue) = (name(&unique("exchange")), name(&unique("queue")));
        self.exchange(&exchange, "direct").await;
        self.queue(&queue, arguments).await;
        self.bind(&exchange, &queue, key).await;
        (exchange, queue)
    }

    pub async fn exchange(&self, exchange: &Name, kind: &str) {
        let lease = self.lease().await;
        let declared = lease.declare_exchange(
            exchange,
            kind,
            false,
            true,
            false,
            false,
            Vec::new(),
            soon(),
        );
        ends("an exchange", declared).await.unwrap();
        lease.give_back();
    }

    pub async fn queue(&self, queue: &Name, arguments: Vec<(&'static str, Value)>) {
        let arguments = arguments
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect();
        let lease = self.lease().await;
        let declared = lease.declare_queue(queue, false, true, false, false, arguments, soon());
        ends("a queue", declared).await.unwrap();
        lease.give_back();
    }

    pub async fn bind(&self, exchange: &Name, queue: &Name, key: &str) {
        let lease = self.lease().await;
        let key = name(key);
        let bound = lease.bind_queue(queue, exchange, &key, Vec::new(), soon());
        ends("a binding", bound).await.unwrap();
        lease.give_back();
    }

    pub async fn purge(&self, queue: &Name) -> u32 {
        let lease = self.lease().await;
        let purged = ends("a purge", lease.purge_queue(queue, soon())).await;
        lease.give_back();
        purged.unwrap()
    }

    pub async fn count(&self, queue: &Name) -> u32 {
        let lease = self.lease().await;
        let declared = lease.declare_queue(queue, true, true, false, false, Vec::new(), soon());
        let declared = ends("a count", declared).await.unwrap();
        lease.give_back();
        declared.messages
    }

    /// Takes everything out of a queue: how often each message id was in it.
    pub async fn drain(&self, queue: &Name) -> HashMap<String, usize> {
        let lease = self.lease().await;
        let wanted = self.count(queue).await as usize;
        let sink = Arc::new(Collected::default());
        let spec = ConsumeSpec {
            queue: queue.clone(),
            consumer_tag: name("drain"),
            no_ack: true,
            exclusive: false,
            arguments: Vec::new(),
        };
        let consuming = lease.consume(spec, Arc::clone(&sink) as _, soon());
        ends("a consumer", consuming).await.unwrap();
        let mut count = sink.count.subscribe();
        let all = count.wait_for(|count| *count >= wanted);
        ends("every message of the queue", all).await.unwrap();
        sink.ids.lock().clone()
    }

    /// Stops, and checks what must hold at the end of everything.
    pub async fn finish(self) {
        let left = self.template.stop(soon()).await;
        assert!(left.is_empty(), "{left:?}");
        let counts = self.template.counts();
        assert!(counts.adds_up(), "{counts}");
        assert_eq!(counts.in_flight, 0, "{counts}");
        assert_eq!(self.template.window_used(), 0);
        let told: usize = self.confirms.lock().values().map(Vec::len).sum();
        assert_eq!(told as u64, counts.sent, "one confirm for every message");
        let close = Deadline::after(Duration::from_secs(5));
        self.publishing.close(close).await;
        self.consuming.close(close).await;
    }
}

#[derive(Default)]
struct Collected {
    ids: Mutex<HashMap<String, usize>>,
    count: tokio::sync::watch::Sender<usize>,
}

impl DeliverySink for Collected {
    fn deliver(&self, deliveries: &mut Vec<Delivery>) {
        let mut ids = self.ids.lock();
        let added = deliveries.len();
        for delivery in deliveries.drain(..) {
            let id = delivery
                .message()
                .message_id()
                .unwrap_or_default()
                .to_owned();
            *ids.entry(id).or_default() += 1;
        }
        self.count.send_modify(|count| *count += added);
    }

    fn cancelled(&self) {}

    fn closed(&self, _cause: &CloseCause) {}
}

fn note(
    confirms: &Arc<Mutex<HashMap<String, Vec<PublishOutcome>>>>,
    returns: &Arc<Mutex<Vec<ReturnedMessage>>>,
) -> Callbacks {
    let (confirms, returns) = (Arc::clone(confirms), Arc::clone(returns));
    Callbacks {
        on_confirm: Some(Arc::new(move |confirm: Confirm| {
            let confirms = Arc::clone(&confirms);
            Box::pin(async move {
                let id = confirm.correlation_id().to_owned();
                confirms
                    .lock()
                    .entry(id)
                    .or_default()
                    .push(confirm.outcome());
            })
        })),
        on_return: Some(Arc::new(move |returned| {
            returns.lock().push(returned);
            Box::pin(async {})
        })),
    }
}

/// The kind of an end, `None` for confirmed.
pub fn kind(end: &Result<Confirmed, PublishError>) -> Option<PublishErrorKind> {
    end.as_ref().err().map(PublishError::kind)
}

/// One test on each release for each behaviour, on the broker of the run.
macro_rules! on_both {
    ($($behaviour:ident),* $(,)?) => {
        mod rabbit3 {
            use rmq_tests::broker::Release;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $behaviour() {
                super::$behaviour(Release::V3).await;
            })*
        }

        mod rabbit4 {
            use rmq_tests::broker::Release;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $behaviour() {
                super::$behaviour(Release::V4).await;
            })*
        }
    };
}
pub(crate) use on_both;
