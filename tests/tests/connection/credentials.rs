//! The program's own credentials provider: asked for each link, and again before the login ends.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use rmq_core::connection::{
    BrokerAddress, ConnectErrorKind, Connection, ConnectionEvent, ConnectionSettings,
    CredentialsProvider, Login, Purpose,
};
use rmq_core::error::BoxError;
use rmq_core::time::Deadline;
use rmq_core::transport::{Credentials, EmbeddedBroker, embedded_target};
use rmq_embedded::Event;
use rmq_tests::broker::{Node, NodeConfig, Release, announced};
use tokio::sync::broadcast::Receiver;

use crate::support::{connection, ends, guest, login, reopened, settings, soon};

/// Short, so that a test is; nothing here depends on how short.
const SHORT: Duration = Duration::from_millis(50);

/// Answers by the number of the question, from 1.
struct Answers<F>(AtomicU64, F);

impl<F> CredentialsProvider for Answers<F>
where
    F: Fn(u64) -> BoxFuture<'static, Result<Login, BoxError>> + Send + Sync + 'static,
{
    fn login(&self) -> BoxFuture<'_, Result<Login, BoxError>> {
        (self.1)(self.0.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

fn with_provider<F>(address: BrokerAddress, answer: F) -> ConnectionSettings
where
    F: Fn(u64) -> BoxFuture<'static, Result<Login, BoxError>> + Send + Sync + 'static,
{
    let mut settings = settings(vec![address]);
    settings.provider = Some(Arc::new(Answers(AtomicU64::new(0), answer)));
    settings.back_off.initial = Duration::from_millis(1);
    settings
}

fn now(login: Login) -> BoxFuture<'static, Result<Login, BoxError>> {
    Box::pin(async { Ok(login) })
}

/// A login that nobody would take, where the provider has to be asked.
fn nobody(address: &str) -> BrokerAddress {
    login(address, "nobody", "nothing", "/")
}

async fn embedded() -> (Arc<EmbeddedBroker>, BrokerAddress) {
    let broker = Arc::new(EmbeddedBroker::start().await.unwrap());
    let address = BrokerAddress {
        target: embedded_target(&broker),
        credentials: Credentials::Plain {
            username: "nobody".to_owned(),
            password: "nothing".to_owned(),
        },
        virtual_host: "/".to_owned(),
    };
    (broker, address)
}

fn secrets_sent(broker: &EmbeddedBroker) -> usize {
    broker.record().count(
        |event| matches!(event, Event::Method { name } if *name == "connection.update_secret"),
    )
}

async fn event(events: &mut Receiver<ConnectionEvent>) -> ConnectionEvent {
    ends("an event", events.recv()).await.unwrap()
}

async fn started(settings: ConnectionSettings) -> (Connection, Receiver<ConnectionEvent>) {
    let connection = connection(settings, Purpose::Publishing);
    let mut events = connection.events();
    ends("to start", connection.start(soon())).await.unwrap();
    assert!(matches!(
        event(&mut events).await,
        ConnectionEvent::Opened(_)
    ));
    (connection, events)
}

async fn a_secret_is_refreshed_on_the_open_connection(release: Release) {
    let broker = announced(release).unwrap();
    let (connection, mut events) = started(with_provider(nobody(broker.address()), |_| {
        now(Login::new("guest", "guest").valid_for(SHORT))
    }))
    .await;
    for _ in 0..3 {
        assert_eq!(event(&mut events).await, ConnectionEvent::SecretRefreshed);
    }
    let lease = ends("a lease", connection.lease(soon())).await.unwrap();
    assert_eq!(lease.connection_generation(), 1);
    assert_eq!(connection.health().lost, 0);
}

async fn each_connect_asks_again(release: Release) {
    let node = Node::start(release, NodeConfig::default()).unwrap();
    node.rabbitmqctl(&["add_user", "clerk", "password-1"])
        .unwrap();
    node.rabbitmqctl(&["set_permissions", "clerk", ".*", ".*", ".*"])
        .unwrap();
    let (connection, _) = started(with_provider(nobody(&node.address()), |asked| {
        now(Login::new("clerk", format!("password-{}", asked.min(2))))
    }))
    .await;
    node.rabbitmqctl(&["change_password", "clerk", "password-2"])
        .unwrap();
    node.rabbitmqctl(&["close_all_connections", "maintenance"])
        .unwrap();
    reopened(&connection, 2).await;
}

#[tokio::test]
async fn the_new_secret_is_on_the_wire_and_only_before_the_old_one_ends() {
    let (broker, address) = embedded().await;
    let (connection, mut events) = started(with_provider(address, |asked| {
        let login = Login::new("guest", "guest");
        now(if asked == 1 {
            login.valid_for(SHORT)
        } else {
            login
        })
    }))
    .await;
    assert_eq!(event(&mut events).await, ConnectionEvent::SecretRefreshed);
    // The second login has no end: a close is the next thing that happens.
    ends("to close", connection.close(soon())).await;
    assert_eq!(event(&mut events).await, ConnectionEvent::Ended);
    assert_eq!(secrets_sent(&broker), 1);
}

#[tokio::test]
async fn a_refresh_that_fails_or_panics_or_hangs_is_told_and_tried_again() {
    let (broker, address) = embedded().await;
    let mut settings = with_provider(address, |asked| match asked {
        2 => Box::pin(async { Err("the token server is away".into()) }),
        3 => Box::pin(async { panic!("a bug of the program") }),
        4 => Box::pin(pending()),
        _ => now(Login::new("guest", "guest").valid_for(SHORT)),
    });
    settings.handshake_timeout = Duration::from_secs(1);
    let (connection, mut events) = started(settings).await;
    for words in ["the token server is away", "panicked", "did not answer"] {
        match event(&mut events).await {
            ConnectionEvent::RefreshFailed(why) => assert!(why.contains(words), "{why}"),
            other => panic!("{other:?} in place of {words:?}"),
        }
    }
    assert_eq!(event(&mut events).await, ConnectionEvent::SecretRefreshed);
    assert_eq!(connection.health().lost, 0);
    assert!(secrets_sent(&broker) >= 1);
}

#[tokio::test]
async fn a_broker_that_does_not_answer_a_refresh_is_told_and_asked_again() {
    let (broker, address) = embedded().await;
    let silent = broker
        .on_method("connection.update_secret")
        .withhold_answer();
    let mut settings = with_provider(address, |_| {
        now(Login::new("guest", "guest").valid_for(SHORT))
    });
    settings.rpc_timeout = Duration::from_millis(200);
    let (_connection, mut events) = started(settings).await;
    match event(&mut events).await {
        ConnectionEvent::RefreshFailed(why) => assert!(why.contains("deadline"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(silent.fired(), 1);
}

#[tokio::test]
async fn another_user_gets_a_connection_of_its_own() {
    let (_broker, address) = embedded().await;
    let broker = EmbeddedBroker::builder()
        .user("first", "1")
        .user("second", "2")
        .start()
        .await
        .unwrap();
    let broker = Arc::new(broker);
    let address = BrokerAddress {
        target: embedded_target(&broker),
        ..address
    };
    let (connection, mut events) = started(with_provider(address, |asked| {
        now(if asked == 1 {
            Login::new("first", "1").valid_for(SHORT)
        } else {
            Login::new("second", "2")
        })
    }))
    .await;
    match event(&mut events).await {
        ConnectionEvent::Lost(cause) => assert!(cause.text.contains("another user"), "{cause}"),
        other => panic!("{other:?}"),
    }
    reopened(&connection, 2).await;
}

#[tokio::test]
async fn a_start_without_a_login_ends_at_its_deadline_and_says_why() {
    let (_broker, address) = embedded().await;
    let settings = with_provider(address, |_| {
        Box::pin(async { Err("no token today".into()) })
    });
    let connection = connection(settings, Purpose::Publishing);
    let deadline = Deadline::after(Duration::from_millis(200));
    let error = ends("to give up", connection.start(deadline))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Deadline);
    assert!(error.to_string().contains("no token today"), "{error}");
}

#[test]
fn a_login_hides_its_secret() {
    let shown = format!("{:?}", Login::new("clerk", "s3cret").valid_for(SHORT));
    assert!(
        shown.contains("clerk") && !shown.contains("s3cret"),
        "{shown}"
    );
    let settings = with_provider(guest("host:5672"), |_| now(Login::new("clerk", "s3cret")));
    assert!(!format!("{settings:?}").contains("s3cret"));
}

crate::support::on_both! {
    a_secret_is_refreshed_on_the_open_connection,
}

mod once {
    use rmq_tests::broker::Release;

    mod rabbit3 {
        use super::Release;

        #[tokio::test(flavor = "multi_thread")]
        async fn each_connect_asks_again() {
            super::super::each_connect_asks_again(Release::V3).await;
        }
    }
}
