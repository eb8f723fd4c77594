//! Nothing outlives its owner.
//!
//! Every process of a cluster carries a mark in its environment that holds the cluster's own temporary
//! folder, so that "what we started" is a fact that can be read back and never a guess by name. A guard
//! process waits on a pipe from the owner: when the owner ends, in whatever way, the pipe closes, and
//! the guard kills what carries the mark and removes the folder.

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::BrokerError;

/// The environment variable that marks a cluster's processes; its value is the cluster's folder.
pub(crate) const CLUSTER_MARK: &str = "RMQ_TEST_CLUSTER_FOLDER";
/// The environment variable that marks one node's processes; its value is the node's folder.
pub(crate) const NODE_MARK: &str = "RMQ_TEST_NODE_FOLDER";

/// Reads `keep` or the end of the pipe. `$1` is the mark, `$2` the folder.
const SCRIPT: &str = r#"
read -r word
if [ "$word" = keep ]; then exit 0; fi
for round in 1 2 3; do
    for entry in /proc/[0-9]*; do
        if grep -qzxF -- "$1=$2" "$entry/environ" 2>/dev/null; then
            kill -9 "${entry#/proc/}" 2>/dev/null
        fi
    done
done
rm -rf -- "$2"
"#;

/// The process that cleans up after a cluster when its owner can't.
#[derive(Debug)]
pub(crate) struct Guard {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Guard {
    pub(crate) fn watch(folder: &Path) -> Result<Self, BrokerError> {
        let mut child = Command::new("sh")
            .args(["-c", SCRIPT, "rmq-tests-guard", CLUSTER_MARK])
            .arg(folder)
            // Not among those whom the guard of an outer cluster kills: this one still has to clean up.
            .env_remove(CLUSTER_MARK)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // An own group: the Ctrl-C that ends the owner must not end the one who cleans up.
            .process_group(0)
            .spawn()
            .map_err(BrokerError::io("starting the guard of the private brokers"))?;
        let pipe = child.stdin.take();
        Ok(Self { child, pipe })
    }

    /// Lets everything live on after the owner.
    pub(crate) fn keep(&mut self) {
        if let Some(pipe) = &mut self.pipe {
            // A guard that is gone can't kill either: nothing is left to be told.
            let _ = pipe.write_all(b"keep\n");
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.pipe = None;
        // The guard ends by itself once its pipe is closed; an error means that it is gone already.
        let _ = self.child.wait();
    }
}

/// Kills, with SIGKILL, every process that carries `mark=folder` in its environment; tells how many.
pub(crate) fn kill_marked(mark: &str, folder: &Path) -> usize {
    signal_marked(Signal::KILL, mark, folder)
}

/// Sends a signal to every process that carries `mark=folder` in its environment; tells to how many.
pub(crate) fn signal_marked(signal: Signal, mark: &str, folder: &Path) -> usize {
    let wanted = format!("{mark}={}", folder.display());
    let Ok(entries) = fs::read_dir("/proc") else {
        return 0;
    };
    let mut reached = 0;
    for entry in entries.flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<i32>().ok())
        else {
            continue;
        };
        let Ok(environment) = fs::read(entry.path().join("environ")) else {
            continue;
        };
        if environment.split(|byte| *byte == 0).any(|item| item == wanted.as_bytes())
            && let Some(pid) = Pid::from_raw(pid)
            // It may have ended since its environment was read.
            && kill_process(pid, signal).is_ok()
        {
            reached += 1;
        }
    }
    reached
}
