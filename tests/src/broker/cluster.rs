use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use uuid::Uuid;

use super::guard::{CLUSTER_MARK, Guard, kill_marked};
use super::layout::{Layout, NodePlan};
use super::node::blocking;
use super::ports::Port;
use super::ready::wait_for_listener;
use super::{BrokerError, Installation, Node, NodeConfig, Release};

const EPMD_DEADLINE: Duration = Duration::from_secs(20);

/// Private nodes that form one cluster. Dropping it kills them and removes their data.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Node>,
    home: Arc<Home>,
}

/// What the nodes of a cluster share, and what goes when the last of them goes.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) layout: Layout,
    kept: AtomicBool,
    epmd: Mutex<Option<Child>>,
    guard: Mutex<Guard>,
    folder: Mutex<Option<TempDir>>,
    _ports: Vec<Port>,
}

impl Cluster {
    /// Starts `count` nodes with the same configuration and waits until all serve.
    ///
    /// # Errors
    /// The release is not installed, or a node did not come up; the error holds the end of its log.
    pub fn start(release: Release, count: usize, config: NodeConfig) -> Result<Self, BrokerError> {
        blocking(|| {
            let home = Arc::new(Home::prepare(release, count, &config)?);
            let nodes = home.layout.nodes.iter().cloned();
            let nodes = nodes
                .map(|plan| Node::new(plan, Arc::clone(&home)))
                .collect();
            let cluster = Self { nodes, home };
            cluster.restart_all()?;
            Ok(cluster)
        })
    }

    /// The nodes, in the order of their numbers.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// `127.0.0.1:port` of each node, as `addresses` of a `rabbit.yml` takes them.
    #[must_use]
    pub fn addresses(&self) -> String {
        let addresses: Vec<String> = self.nodes.iter().map(Node::address).collect();
        addresses.join(",")
    }

    /// Kills all nodes at once.
    pub fn kill_all(&self) {
        for node in &self.nodes {
            node.kill();
        }
    }

    /// Starts all nodes together, killing first those that run, and waits until each serves.
    ///
    /// # Errors
    /// A node did not come up; the error holds the end of its log.
    pub fn restart_all(&self) -> Result<(), BrokerError> {
        blocking(|| {
            self.kill_all();
            // Together: a node that waits for its peers does not serve before they run.
            for node in &self.nodes {
                node.launch()?;
            }
            self.nodes.iter().try_for_each(Node::await_up)?;
            self.await_formed()
        })
    }

    /// The cluster's folder: data, logs and configuration of each node.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.home.layout.folder
    }

    /// Lets the nodes live on after this value and this process.
    pub fn keep(self) {
        self.home.keep();
    }

    pub(crate) fn into_nodes(self) -> Vec<Node> {
        self.nodes
    }

    fn await_formed(&self) -> Result<(), BrokerError> {
        match self.nodes.as_slice() {
            [first, _, ..] => {
                let count = self.nodes.len().to_string();
                first
                    .rabbitmqctl(&["await_online_nodes", &count, "--timeout", "120"])
                    .map(drop)
            }
            _ => Ok(()),
        }
    }
}

impl Home {
    fn prepare(release: Release, count: usize, config: &NodeConfig) -> Result<Self, BrokerError> {
        let installation = Installation::usable(release)?;
        let folder = tempfile::Builder::new()
            .prefix("rmq-test-broker-")
            .tempdir()
            .map_err(BrokerError::io("making a folder for a private broker"))?;
        let guard = Guard::watch(folder.path())?;
        let mut ports = Vec::new();
        let mut reserve = || -> Result<u16, BrokerError> {
            let port = Port::reserve()?;
            let number = port.number();
            ports.push(port);
            Ok(number)
        };
        let epmd_port = reserve()?;
        let mut nodes = Vec::new();
        for number in 1..=count {
            let port = reserve()?;
            let distribution_port = reserve()?;
            let tls_port = config.tls_files().map(|_| reserve()).transpose()?;
            nodes.push(NodePlan {
                number,
                port,
                tls_port,
                distribution_port,
            });
        }
        let layout = Layout::new(folder.path(), release, &installation, epmd_port, nodes);
        layout.write(&Uuid::new_v4().simple().to_string(), config)?;
        let epmd = layout
            .epmd()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(BrokerError::io(
                "starting the port mapper of a private broker",
            ))?;
        let home = Self {
            layout,
            kept: AtomicBool::new(false),
            epmd: Mutex::new(Some(epmd)),
            guard: Mutex::new(guard),
            folder: Mutex::new(Some(folder)),
            _ports: ports,
        };
        wait_for_listener(epmd_port, EPMD_DEADLINE)?;
        Ok(home)
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.kept.load(Ordering::Acquire)
    }

    fn keep(&self) {
        self.kept.store(true, Ordering::Release);
        self.guard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .keep();
        if let Some(folder) = self
            .folder
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            let _path = folder.keep();
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.is_kept() {
            return;
        }
        kill_marked(CLUSTER_MARK, &self.layout.folder);
        if let Some(mut epmd) = self
            .epmd
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            // It was killed just now; a child that can't be waited for is gone.
            let _ = epmd.wait();
        }
    }
}

/// Stops the nodes that [`Cluster::keep`] let live on, and removes their folder.
///
/// # Errors
/// The folder is not one of a cluster, or can't be removed.
pub fn stop_kept(folder: &Path) -> Result<(), BrokerError> {
    let layout = Layout::read(folder)?;
    kill_marked(CLUSTER_MARK, &layout.folder);
    std::fs::remove_dir_all(&layout.folder).map_err(BrokerError::io(format!(
        "removing {}",
        layout.folder.display()
    )))
}
