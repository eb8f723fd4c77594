//! Runs one behaviour on one broker.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rmq_embedded::EmbeddedBroker;
use rmq_tests::broker::{Release, announced};
use rmq_tests::raw::{Channel, Connection, Handshake, RawError, Wire};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::known_gaps::KNOWN_GAPS;

/// One behaviour as a whole.
const LIMIT: Duration = Duration::from_secs(90);
/// How long something that comes by itself may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Outcome = Result<(), RawError>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Embedded,
    Rabbit(Release),
}

/// The broker under test.
#[derive(Clone)]
pub(crate) struct Broker {
    kind: Kind,
    address: String,
    _embedded: Option<Arc<EmbeddedBroker>>,
}

impl Broker {
    async fn reach(kind: Kind) -> Result<Self, RawError> {
        match kind {
            Kind::Embedded => {
                let broker = EmbeddedBroker::start().await;
                let broker = broker.map_err(|error| RawError::new(error.to_string()))?;
                let address = broker.address().to_string();
                Ok(Self {
                    kind,
                    address,
                    _embedded: Some(Arc::new(broker)),
                })
            }
            Kind::Rabbit(release) => {
                let address = announced(release)?.address().to_owned();
                Ok(Self {
                    kind,
                    address,
                    _embedded: None,
                })
            }
        }
    }

    /// Whether it is that release. The embedded broker is neither: it does as 3.10 where they differ, unless the
    /// test says otherwise.
    pub(crate) fn is(&self, release: Release) -> bool {
        self.kind == Kind::Rabbit(release)
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// A socket that nothing was said on.
    pub(crate) async fn wire(&self) -> Result<Wire, RawError> {
        Ok(Wire::new(TcpStream::connect(&self.address).await?))
    }

    pub(crate) async fn open(&self, handshake: Handshake) -> Result<Connection, RawError> {
        handshake.open(self.wire().await?).await
    }

    pub(crate) async fn connection(&self) -> Result<Connection, RawError> {
        self.open(Handshake::default()).await
    }

    /// Channel 1 of a connection of its own.
    pub(crate) async fn channel(&self) -> Result<Channel, RawError> {
        self.connection().await?.channel(1).await
    }
}

/// Polls until `holds`; for what a broker does in its own time.
pub(crate) async fn eventually<F>(what: &str, mut holds: impl FnMut() -> F) -> Outcome
where
    F: Future<Output = Result<bool, RawError>>,
{
    let until = Instant::now() + PATIENCE;
    while !holds().await? {
        if Instant::now() > until {
            return Err(RawError::new(format!("not within {PATIENCE:?}: {what}")));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// What a queue has back once a channel was closed, in order: what that channel had not settled.
///
/// The queue takes it back in its own time, so that one more message, known to be unsettled, tells when.
pub(crate) async fn back_after_close(
    channel: Channel,
    queue: &str,
) -> Result<Vec<String>, RawError> {
    channel.publish_texts("", queue, &["sentinel"]).await?;
    let sentinel = channel.get(queue).await?.expect("the sentinel");
    assert_eq!(sentinel.text(), "sentinel", "nothing else was ready");
    let other = channel.connection().channel(2).await?;
    channel.close().await?;
    eventually("it is back", async || Ok(other.counts(queue).await?.0 > 0)).await?;
    let mut all = other.take_all(queue).await?;
    assert_eq!(all.pop().as_deref(), Some("sentinel"));
    Ok(all)
}

/// Runs a behaviour; `place` is the module of the test, `behaviours::group::broker`.
pub(crate) fn run<F>(kind: Kind, place: &str, name: &str, behaviour: fn(Broker) -> F)
where
    F: Future<Output = Outcome>,
{
    let full = full_name(place, name);
    let gap = KNOWN_GAPS
        .iter()
        .find(|(gap, _)| kind == Kind::Embedded && *gap == full);
    let Some((_, missing)) = gap else {
        return perform(kind, behaviour);
    };
    let result = catch_unwind(AssertUnwindSafe(|| perform(kind, behaviour)));
    assert!(
        result.is_err(),
        "the gap {missing:?} was mended: take {full} out of known_gaps.rs"
    );
}

fn perform<F: Future<Output = Outcome>>(kind: Kind, behaviour: fn(Broker) -> F) {
    runtime().block_on(async {
        let work = async { behaviour(Broker::reach(kind).await?).await };
        match timeout(LIMIT, work).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => panic!("{error:?}"),
            Err(_) => panic!("not done within {LIMIT:?}"),
        }
    });
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// `behaviours::group::rabbit3` and `name` give `group::name`.
fn full_name(place: &str, name: &str) -> String {
    let group = place.split("::").nth(1).unwrap_or_default();
    format!("{group}::{name}")
}

/// The names of all behaviours, as `known_gaps` writes them: asked of this very program.
pub(crate) fn every_name() -> Vec<String> {
    let program = std::env::current_exe().unwrap();
    let listed = std::process::Command::new(program)
        .arg("--list")
        .output()
        .unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    let tests = text.lines().filter_map(|line| line.strip_suffix(": test"));
    tests
        .filter(|test| test.contains("::embedded::"))
        .map(|test| test.replace("::embedded", ""))
        .collect()
}

/// Makes three tests of each behaviour: `embedded::name`, `rabbit3::name`, `rabbit4::name`.
macro_rules! on_each_broker {
    ($($name:ident)*) => {
        mod embedded {
            $(#[test] fn $name() {
                crate::stage::run(crate::stage::Kind::Embedded, module_path!(), stringify!($name), super::$name);
            })*
        }
        mod rabbit3 {
            $(#[test] fn $name() {
                let kind = crate::stage::Kind::Rabbit(rmq_tests::broker::Release::V3);
                crate::stage::run(kind, module_path!(), stringify!($name), super::$name);
            })*
        }
        mod rabbit4 {
            $(#[test] fn $name() {
                let kind = crate::stage::Kind::Rabbit(rmq_tests::broker::Release::V4);
                crate::stage::run(kind, module_path!(), stringify!($name), super::$name);
            })*
        }
    };
}
