use std::env;
use std::path::{Path, PathBuf};

use super::guard::CLUSTER_MARK;
use super::layout::Layout;
use super::node::{blocking, rabbitmqctl};
use super::{BrokerError, Release};

/// A broker that `tests/run` started for the ordinary tests of a run.
///
/// It is shared: a test names its own queues and exchanges with [`super::unique`] and changes nothing
/// that others would notice.
#[derive(Clone, Debug)]
pub struct Announced {
    release: Release,
    addresses: Vec<String>,
}

/// The broker of `release` that this run announced.
///
/// # Errors
/// None is announced: the test was not started by `tests/run`.
pub fn announced(release: Release) -> Result<Announced, BrokerError> {
    let name = addresses_variable(release);
    let value = env::var(&name).map_err(|_| {
        BrokerError::new(format!(
            "this test needs a RabbitMQ {release} in {name}: start it with `tests/run --release {release} --only NAME`"
        ))
    })?;
    let addresses: Vec<String> = value.split(',').map(str::to_owned).collect();
    Ok(Announced { release, addresses })
}

/// `RMQ_TEST_BROKER_3=host:port,...`
pub(crate) fn addresses_variable(release: Release) -> String {
    format!("RMQ_TEST_BROKER_{release}")
}

/// `RMQ_TEST_CLUSTER_3=folder`
pub(crate) fn folder_variable(release: Release) -> String {
    format!("RMQ_TEST_CLUSTER_{release}")
}

impl Announced {
    /// The release it runs.
    #[must_use]
    pub fn release(&self) -> Release {
        self.release
    }

    /// `host:port` of each node; never empty.
    #[must_use]
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// `host:port` of the first node.
    #[must_use]
    pub fn address(&self) -> &str {
        self.addresses.first().map_or("", String::as_str)
    }

    /// `amqp://guest:guest@host:port/%2f` of the first node.
    #[must_use]
    pub fn amqp_url(&self) -> String {
        format!("amqp://guest:guest@{}/%2f", self.address())
    }

    /// Runs `rabbitmqctl` against the first node and gives what it printed. It takes about two seconds.
    ///
    /// # Errors
    /// It ended with a failure, or the broker was announced by hand, without its folder.
    pub fn rabbitmqctl(&self, arguments: &[&str]) -> Result<String, BrokerError> {
        let name = folder_variable(self.release);
        let folder = env::var_os(&name).map(PathBuf::from).ok_or_else(|| {
            BrokerError::new(format!(
                "rabbitmqctl needs the broker's folder in {name}: use `tests/run`"
            ))
        })?;
        let layout = Layout::read(&folder)?;
        let node = layout
            .nodes
            .first()
            .ok_or_else(|| BrokerError::new("a cluster without nodes"))?;
        blocking(|| rabbitmqctl(&layout, node, arguments))
    }
}

impl super::Cluster {
    /// The variable that makes whoever has it in the environment, and all its children, end with this cluster.
    #[must_use]
    pub fn mark(&self) -> (&'static str, &Path) {
        (CLUSTER_MARK, self.folder())
    }

    /// The variables that announce this cluster to test programs.
    #[must_use]
    pub fn announcement(&self, release: Release) -> [(String, String); 2] {
        [
            (addresses_variable(release), self.addresses()),
            (
                folder_variable(release),
                self.folder().display().to_string(),
            ),
        ]
    }
}
