//! The two brokers, each a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rmq_tests::broker::{Node, NodeConfig, Release};

use crate::Failure;

/// How often a start is timed.
const STARTS: usize = 11;

/// A broker under measurement.
pub enum Contender {
    /// The program `rmq-embedded`.
    Embedded(EmbeddedProcess),
    /// A private node, and its process.
    Rabbit(Node, u32),
}

impl Contender {
    /// Starts the program.
    pub fn embedded(program: &Path) -> Result<Self, Failure> {
        Ok(Self::Embedded(EmbeddedProcess::start(program)?))
    }

    /// Starts a private node.
    pub fn rabbit(release: Release) -> Result<Self, Failure> {
        let node = Node::start(release, NodeConfig::default())?;
        let pid = node.rabbitmqctl(&["eval", "os:getpid()."])?;
        let pid = pid.trim().trim_matches('"').parse()?;
        Ok(Self::Rabbit(node, pid))
    }

    /// How the table calls it.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "rmq-embedded",
            Self::Rabbit(..) => "RabbitMQ",
        }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        match self {
            Self::Embedded(process) => process.address.clone(),
            Self::Rabbit(node, _) => node.address(),
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        match self {
            Self::Embedded(process) => process.pid(),
            Self::Rabbit(_, pid) => *pid,
        }
    }
}

/// Builds the program in release mode, and says where it is: beside this one.
pub fn build_program() -> Result<PathBuf, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--release", "-p", "rmq-embedded"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?;
    if !built.success() {
        return Err("rmq-embedded could not be built".into());
    }
    let this = std::env::current_exe()?;
    let folder = this.parent().ok_or("this program is in no folder")?;
    // Run without --release, this program lies in the folder of debug builds.
    Ok(folder.with_file_name("release").join("rmq-embedded"))
}

/// The program `rmq-embedded` on a free port. Dropping it kills it.
pub struct EmbeddedProcess {
    child: Child,
    /// Where it listens.
    pub address: String,
}

impl EmbeddedProcess {
    /// Starts it, and waits until it says that it listens.
    pub fn start(program: &Path) -> Result<Self, Failure> {
        let mut child = Command::new(program)
            .args(["--port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("no output of rmq-embedded")?;
        let mut process = Self {
            child,
            address: String::new(),
        };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let (_, rest) = line
            .split_once("listens on ")
            .ok_or_else(|| format!("rmq-embedded said {line:?}"))?;
        rest.split(' ')
            .next()
            .unwrap_or_default()
            .clone_into(&mut process.address);
        Ok(process)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// From the spawn to the first bytes of `connection.start`, several times, sorted.
    pub fn start_times(program: &Path) -> Result<Vec<Duration>, Failure> {
        let mut times = Vec::with_capacity(STARTS);
        for _ in 0..STARTS {
            let begin = Instant::now();
            let process = Self::start(program)?;
            let mut stream = TcpStream::connect(&process.address)?;
            stream.write_all(b"AMQP\x00\x00\x09\x01")?;
            stream.read_exact(&mut [0; 7])?;
            times.push(begin.elapsed());
        }
        times.sort_unstable();
        Ok(times)
    }
}

impl Drop for EmbeddedProcess {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone after this.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
