//! Settings for tests, and waits that end.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rmq_core::admin::RabbitAdmin;
use rmq_core::connection::{
    BrokerAddress, Connection, ConnectionSettings, ConnectionState, Purpose,
};
use rmq_core::time::Deadline;
use rmq_core::topology::{Declarables, Topology};
use rmq_core::transport::{CloseCause, Credentials, Pending, PublishSink, Target, Token, Verdict};

/// Longer than anything here takes; a wait that reaches it has failed.
pub const LONG: Duration = Duration::from_secs(120);

pub fn soon() -> Deadline {
    Deadline::after(LONG)
}

/// A future that must end.
pub async fn ends<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LONG, future).await {
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

/// `host:port` as guest on `/`.
pub fn guest(address: &str) -> BrokerAddress {
    login(address, "guest", "guest", "/")
}

pub fn login(address: &str, user: &str, password: &str, virtual_host: &str) -> BrokerAddress {
    let (host, port) = address.rsplit_once(':').unwrap();
    BrokerAddress {
        target: Target::Tcp {
            host: host.to_owned(),
            port: port.parse().unwrap(),
            tls: None,
        },
        credentials: Credentials::Plain {
            username: user.to_owned(),
            password: password.to_owned(),
        },
        virtual_host: virtual_host.to_owned(),
    }
}

pub fn settings(addresses: Vec<BrokerAddress>) -> ConnectionSettings {
    let mut settings = ConnectionSettings::new("rmq-tests", addresses);
    settings.rpc_timeout = Duration::from_secs(30);
    settings.back_off.max = Duration::from_secs(1);
    settings
}

pub fn connection(settings: ConnectionSettings, purpose: Purpose) -> Connection {
    Connection::new(Arc::new(settings), purpose)
}

/// Waits for a state and gives it.
pub async fn state(
    connection: &Connection,
    what: &str,
    wanted: impl FnMut(&ConnectionState) -> bool,
) -> ConnectionState {
    let mut state = connection.state();
    let seen = ends(what, state.wait_for(wanted)).await.unwrap();
    seen.clone()
}

pub fn is_open(state: &ConnectionState) -> bool {
    matches!(state, ConnectionState::Open(_))
}

/// An open link of at least that generation.
pub async fn reopened(connection: &Connection, generation: u64) -> ConnectionState {
    state(connection, "to be open again", |state| {
        is_open(state) && state.connection().unwrap().generation >= generation
    })
    .await
}

pub fn topology(declarables: &Declarables) -> Arc<Topology> {
    Arc::new(declarables.check().unwrap())
}

/// A started admin with that topology.
pub async fn admin(address: &str, declarables: &Declarables) -> RabbitAdmin {
    let connection = connection(settings(vec![guest(address)]), Purpose::Admin);
    let admin = RabbitAdmin::new(connection.clone(), topology(declarables));
    ends("to start", connection.start(soon())).await.unwrap();
    admin
}

/// A sink that wants to know nothing.
pub struct Deaf;

impl PublishSink for Deaf {
    fn settled(&self, _: &mut Vec<(Token, Verdict)>) {}
    fn closed(&self, _: &CloseCause, _: Vec<Pending>) {}
}

/// One test on each release for each behaviour.
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
