use std::fs;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::cluster::Home;
use super::guard::{NODE_MARK, kill_marked, signal_marked};
use super::layout::{Layout, NodePlan};
use super::ready::{is_listening, wait_for_broker};
use super::{BrokerError, Cluster, NodeConfig, Release};

/// A cold start on a loaded machine with two cores.
const START_DEADLINE: Duration = Duration::from_secs(180);
const KILL_DEADLINE: Duration = Duration::from_secs(10);
const LOG_LINES: usize = 25;

/// A private RabbitMQ node of one test. Dropping it kills it and removes its data.
///
/// The methods block. Inside a multi-thread tokio runtime they tell the runtime so; a current-thread
/// runtime stands still meanwhile.
#[derive(Debug)]
pub struct Node {
    plan: NodePlan,
    home: Arc<Home>,
    child: Mutex<Option<Child>>,
}

impl Node {
    /// Starts a node that is alone in its cluster.
    ///
    /// # Errors
    /// The release is not installed, or the node did not come up; the error holds the end of its log.
    pub fn start(release: Release, config: NodeConfig) -> Result<Self, BrokerError> {
        let mut nodes = Cluster::start(release, 1, config)?.into_nodes();
        nodes
            .pop()
            .ok_or_else(|| BrokerError::new("a cluster of one node has no node"))
    }

    pub(crate) fn new(plan: NodePlan, home: Arc<Home>) -> Self {
        Self {
            plan,
            home,
            child: Mutex::new(None),
        }
    }

    /// The port of AMQP without TLS, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.plan.port
    }

    /// The port of AMQP with TLS, if [`NodeConfig::tls`] asked for it.
    #[must_use]
    pub fn tls_port(&self) -> Option<u16> {
        self.plan.tls_port
    }

    /// `127.0.0.1:port`, as `addresses` of a `rabbit.yml` takes it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.plan.port)
    }

    /// `amqp://guest:guest@127.0.0.1:port/%2f`.
    #[must_use]
    pub fn amqp_url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.plan.port)
    }

    /// The Erlang name, as `rabbitmqctl` prints it.
    #[must_use]
    pub fn name(&self) -> String {
        self.plan.name()
    }

    /// The release it runs.
    #[must_use]
    pub fn release(&self) -> Release {
        self.home.layout.release()
    }

    /// Kills the node with SIGKILL, at once and without a word to anybody. Its data stay.
    pub fn kill(&self) {
        blocking(|| {
            let folder = self.home.layout.node_folder(&self.plan);
            kill_marked(NODE_MARK, &folder);
            self.reap();
            // The kernel ends a killed process in its own time; its listener goes last.
            let deadline = Instant::now() + KILL_DEADLINE;
            while Instant::now() < deadline
                && (kill_marked(NODE_MARK, &folder) > 0 || is_listening(self.plan.port))
            {
                thread::sleep(Duration::from_millis(1));
            }
        });
    }

    /// Stops the node's processes where they are (SIGSTOP): it reads nothing and says nothing more, and its sockets stay
    /// open. [`Node::kill`] ends it all the same.
    ///
    /// # Errors
    /// It has no process.
    pub fn freeze(&self) -> Result<(), BrokerError> {
        let folder = self.home.layout.node_folder(&self.plan);
        match blocking(|| signal_marked(Signal::STOP, NODE_MARK, &folder)) {
            0 => Err(BrokerError::new(
                "there is no process of the broker to stop",
            )),
            _ => Ok(()),
        }
    }

    /// Has the node write down which quorum queues it holds, so that a [`Node::kill`] after it keeps them.
    ///
    /// RabbitMQ writes that table twice a second only (`names.dets` of its Raft library). A queue declared within
    /// that time of a kill comes back as an empty member without a leader, whatever it had confirmed, and it stays
    /// so: the log says "configured member of queue ... was not found on this node". Classic queues are not in it.
    ///
    /// # Errors
    /// As [`Node::rabbitmqctl`].
    pub fn flush_quorum_queues(&self) -> Result<(), BrokerError> {
        self.rabbitmqctl(&["eval", "ok = dets:sync(ra_directory_reverse)."])
            .map(drop)
    }

    /// Starts the node again on the same ports and data: after [`Node::kill`], or killing it first.
    ///
    /// # Errors
    /// It did not come up; the error holds the end of its log.
    pub fn restart(&self) -> Result<(), BrokerError> {
        blocking(|| {
            self.kill();
            self.launch()?;
            self.await_up()
        })
    }

    /// Runs `rabbitmqctl` against this node and gives what it printed.
    ///
    /// # Errors
    /// It ended with a failure; the error holds what it printed.
    pub fn rabbitmqctl(&self, arguments: &[&str]) -> Result<String, BrokerError> {
        blocking(|| rabbitmqctl(&self.home.layout, &self.plan, arguments))
    }

    /// The node raises its memory alarm: publishers are blocked until [`Node::unblock`].
    ///
    /// # Errors
    /// As [`Node::rabbitmqctl`].
    pub fn block(&self) -> Result<(), BrokerError> {
        self.rabbitmqctl(&["set_vm_memory_high_watermark", "0"])
            .map(drop)
    }

    /// Ends what [`Node::block`] began.
    ///
    /// # Errors
    /// As [`Node::rabbitmqctl`].
    pub fn unblock(&self) -> Result<(), BrokerError> {
        self.rabbitmqctl(&["set_vm_memory_high_watermark", "0.6"])
            .map(drop)
    }

    /// Spawns the server and does not wait for it.
    pub(crate) fn launch(&self) -> Result<(), BrokerError> {
        let folder = self.home.layout.node_folder(&self.plan);
        let output = fs::File::create(folder.join("output")).map_err(BrokerError::io(
            "making the output file of a private broker",
        ))?;
        let errors = output.try_clone().map_err(BrokerError::io(
            "sharing the output file of a private broker",
        ))?;
        let child = self
            .home
            .layout
            .server(&self.plan)
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(BrokerError::io("starting rabbitmq-server"))?;
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        Ok(())
    }

    pub(crate) fn await_up(&self) -> Result<(), BrokerError> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(child) = child.as_mut() else {
            return Err(BrokerError::new("the broker was killed while it started"));
        };
        wait_for_broker(child, self.plan.port, START_DEADLINE)
            .map_err(|error| BrokerError::new(format!("{error}\n{}", self.last_words())))
    }

    fn reap(&self) {
        if let Some(mut child) = self
            .child
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            // It was killed just now; a child that can't be waited for is gone.
            let _ = child.wait();
        }
    }

    fn last_words(&self) -> String {
        let folder = self.home.layout.node_folder(&self.plan);
        let mut files = vec![folder.join("output")];
        if let Ok(logs) = fs::read_dir(folder.join("log")) {
            files.extend(logs.flatten().map(|entry| entry.path()));
        }
        let mut words = String::new();
        for path in files {
            let text = fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let lines: Vec<&str> = text.lines().collect();
            let end = &lines[lines.len().saturating_sub(LOG_LINES)..];
            words.push_str(&format!(
                "--- end of {}\n{}\n",
                path.display(),
                end.join("\n")
            ));
        }
        words
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if !self.home.is_kept() {
            self.kill();
        }
    }
}

pub(crate) fn rabbitmqctl(
    layout: &Layout,
    node: &NodePlan,
    arguments: &[&str],
) -> Result<String, BrokerError> {
    let mut command = layout.node_program("rabbitmqctl", node);
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Output {
        status,
        stdout,
        stderr,
    } = run(command).map_err(BrokerError::io(format!(
        "running rabbitmqctl {arguments:?}"
    )))?;
    let printed = String::from_utf8_lossy(&stdout).into_owned();
    if status.success() {
        return Ok(printed);
    }
    let errors = String::from_utf8_lossy(&stderr);
    Err(BrokerError::new(format!(
        "rabbitmqctl {arguments:?} ended with {status}:\n{printed}{errors}"
    )))
}

fn run(mut command: Command) -> std::io::Result<Output> {
    command.output()
}

/// Tells tokio that this thread stands still for a while, where that can be told.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    let multi_thread = Handle::try_current()
        .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if multi_thread {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}
