use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{BrokerError, Installation, NodeConfig, Release};

/// Where the cluster's folder is seen from inside a root folder made by debootstrap.
const INSIDE: &str = "/mnt";
const DESCRIPTION: &str = "cluster.json";

/// Everything needed to run a program against a cluster: written into its folder, so that a test process
/// can ask a broker that another process started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Layout {
    pub(crate) folder: PathBuf,
    major: u8,
    root: Option<PathBuf>,
    pub(crate) epmd_port: u16,
    pub(crate) nodes: Vec<NodePlan>,
}

/// One node of a cluster, by its number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NodePlan {
    pub(crate) number: usize,
    pub(crate) port: u16,
    pub(crate) tls_port: Option<u16>,
    pub(crate) distribution_port: u16,
}

impl NodePlan {
    /// The Erlang name. Nodes of different clusters share it: each cluster has its own port mapper.
    pub(crate) fn name(&self) -> String {
        format!("rmq{}@localhost", self.number)
    }
}

impl Layout {
    pub(crate) fn new(
        folder: &Path,
        release: Release,
        installation: &Installation,
        epmd_port: u16,
        nodes: Vec<NodePlan>,
    ) -> Self {
        let root = match installation {
            Installation::Native => None,
            Installation::Root(root) => Some(root.clone()),
        };
        Self {
            folder: folder.to_owned(),
            major: release.major(),
            root,
            epmd_port,
            nodes,
        }
    }

    pub(crate) fn release(&self) -> Release {
        if self.major == 3 {
            Release::V3
        } else {
            Release::V4
        }
    }

    pub(crate) fn installation(&self) -> Installation {
        self.root
            .clone()
            .map_or(Installation::Native, Installation::Root)
    }

    pub(crate) fn read(folder: &Path) -> Result<Self, BrokerError> {
        let path = folder.join(DESCRIPTION);
        let text =
            fs::read(&path).map_err(BrokerError::io(format!("reading {}", path.display())))?;
        serde_json::from_slice(&text)
            .map_err(|error| BrokerError::new(format!("reading {}: {error}", path.display())))
    }

    /// A node's folder on this machine.
    pub(crate) fn node_folder(&self, node: &NodePlan) -> PathBuf {
        self.folder.join(format!("node{}", node.number))
    }

    /// The cluster's folder as its programs see it.
    pub(crate) fn seen_folder(&self) -> PathBuf {
        if self.root.is_some() {
            PathBuf::from(INSIDE)
        } else {
            self.folder.clone()
        }
    }

    /// A node's folder as its programs see it.
    pub(crate) fn seen_node_folder(&self, node: &NodePlan) -> PathBuf {
        self.seen_folder().join(format!("node{}", node.number))
    }

    /// Writes the cookie, the description and every node's own files.
    pub(crate) fn write(&self, cookie: &str, config: &NodeConfig) -> Result<(), BrokerError> {
        let description = serde_json::to_string(self)
            .map_err(|error| BrokerError::new(format!("describing the cluster: {error}")))?;
        put(&self.folder.join(DESCRIPTION), &description)?;
        let secret = self.folder.join(".erlang.cookie");
        put(&secret, cookie)?;
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o400))
            .map_err(BrokerError::io("protecting the cookie of a private broker"))?;
        let peers: Vec<String> = self.nodes.iter().map(NodePlan::name).collect();
        for node in &self.nodes {
            let folder = self.node_folder(node);
            for part in ["data", "log", "conf.d"] {
                let path = folder.join(part);
                fs::create_dir_all(&path)
                    .map_err(BrokerError::io(format!("making {}", path.display())))?;
            }
            if let Some(tls) = config.tls_files() {
                put(&folder.join("ca.pem"), &tls.ca)?;
                put(&folder.join("certificate.pem"), &tls.certificate)?;
                put(&folder.join("key.pem"), &tls.key)?;
            }
            let seen = self.seen_node_folder(node);
            let text = config.text(&seen.to_string_lossy(), node.port, node.tls_port, &peers);
            put(&folder.join("rabbitmq.conf"), &text)?;
            put(&folder.join("enabled_plugins"), &config.enabled_plugins())?;
        }
        Ok(())
    }
}

fn put(path: &Path, text: &str) -> Result<(), BrokerError> {
    fs::write(path, text).map_err(BrokerError::io(format!("writing {}", path.display())))
}
