use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use super::BrokerError;

const HOME: &str = "usr/lib/rabbitmq";

/// A release of RabbitMQ that the tests run against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Release {
    /// RabbitMQ 3.10, the package of Debian 12.
    V3,
    /// RabbitMQ 4.0, the package of Debian 13.
    V4,
}

impl Release {
    /// Both, oldest first.
    pub const ALL: [Self; 2] = [Self::V3, Self::V4];

    /// The major version: 3 or 4.
    #[must_use]
    pub fn major(self) -> u8 {
        match self {
            Self::V3 => 3,
            Self::V4 => 4,
        }
    }

    /// The Debian release whose package it is.
    fn suite(self) -> &'static str {
        match self {
            Self::V3 => "bookworm",
            Self::V4 => "trixie",
        }
    }

    /// How many nodes `tests/run` starts when nobody says otherwise.
    #[must_use]
    pub fn default_nodes(self) -> usize {
        match self {
            Self::V3 => 1,
            Self::V4 => 3,
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.major())
    }
}

impl FromStr for Release {
    type Err = BrokerError;

    fn from_str(text: &str) -> Result<Self, BrokerError> {
        match text {
            "3" => Ok(Self::V3),
            "4" => Ok(Self::V4),
            other => Err(BrokerError::new(format!(
                "release {other:?} is not known: say 3 or 4"
            ))),
        }
    }
}

/// Where the programs of a release are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installation {
    /// The machine's own package.
    Native,
    /// A root folder made by `debootstrap`; its programs run under `chroot`.
    Root(PathBuf),
}

impl Installation {
    /// Looks for a release: the machine's own package first, then the root folder that
    /// `tests/install-brokers` makes.
    ///
    /// # Errors
    /// Neither is there.
    pub fn find(release: Release) -> Result<Self, BrokerError> {
        if holds(Path::new("/"), release) {
            return Ok(Self::Native);
        }
        let root = cache().join(release.suite());
        if holds(&root, release) {
            return Ok(Self::Root(root));
        }
        Err(BrokerError::new(format!(
            "RabbitMQ {release} is not installed: run `tests/run` (or `tests/install-brokers {release}`) once"
        )))
    }

    /// As [`find`](Self::find), and what it needs to run is allowed here: a root folder needs `chroot` and `mount`.
    ///
    /// # Errors
    /// Neither is there, or it may not run here. One line, with what to type.
    pub fn usable(release: Release) -> Result<Self, BrokerError> {
        let found = Self::find(release)?;
        if found == Self::Native || may_mount() {
            return Ok(found);
        }
        Err(BrokerError::new(format!(
            "RabbitMQ {release} runs from a root folder here, which needs root and the right to mount: run `sudo tests/run`"
        )))
    }

    /// The folder with `rabbitmq-server` and `rabbitmqctl`, as the programs themselves see it.
    pub(crate) fn programs(&self) -> PathBuf {
        Path::new("/").join(HOME).join("bin")
    }
}

fn may_mount() -> bool {
    let mount = "--mount --propagation private mount -t tmpfs none /mnt";
    Command::new("unshare")
        .args(mount.split(' '))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn holds(root: &Path, release: Release) -> bool {
    let Ok(entries) = fs::read_dir(root.join(HOME).join("lib")) else {
        return false;
    };
    let wanted = format!("rabbitmq_server-{release}.");
    entries
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with(&wanted))
}

fn cache() -> PathBuf {
    let set = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(|| PathBuf::from("/var/cache"))
        .join("rmq-tests")
}
