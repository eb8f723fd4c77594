//! Alternating rounds: every contender once in a round, each in a process of its own.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use rmq_tests::broker::{Node, unique};
use rmq_tests::process::cpu_seconds;

use crate::Failure;
use crate::job::{Contender, Job, Report, Task};
use crate::queue::{Kind, Queues};

/// One finished measurement and what it cost the broker.
pub struct Measured {
    /// What the child said.
    pub report: Report,
    /// Processor microseconds of the broker.
    pub broker_micros: f64,
}

/// All measurements of one task on one kind of queue.
pub type Rounds = BTreeMap<Contender, Vec<Measured>>;

/// Runs `rounds` rounds of a task.
pub fn run(
    node: &Node,
    kind: Kind,
    task: Task,
    rounds: usize,
    messages: u64,
) -> Result<Rounds, Failure> {
    let pid = broker_pid(node)?;
    let mut all = Rounds::new();
    for round in 0..rounds {
        // Another one goes first in each round.
        let contenders = task.contenders();
        for turn in 0..contenders.len() {
            let Some(&contender) = contenders.get((turn + round) % contenders.len()) else {
                continue;
            };
            let name = unique("compare");
            let queue = Queues::declare(&node.amqp_url(), kind, vec![name.clone()])?;
            if task == Task::Consume {
                queue.fill(messages)?;
            }
            let job = Job {
                contender,
                task,
                url: node.amqp_url(),
                queue: name,
                messages,
                window: 1_000,
                tasks: 256,
                prefetch: 250,
            };
            all.entry(contender).or_default().push(measure(pid, &job)?);
            queue.delete()?;
        }
    }
    Ok(all)
}

fn measure(pid: u32, job: &Job) -> Result<Measured, Failure> {
    let before = cpu_seconds(pid)?;
    let output = Command::new(std::env::current_exe()?)
        .arg("--child")
        .arg(serde_json::to_string(job)?)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!(
            "{:?} {:?} failed: {}",
            job.contender, job.task, output.status
        )
        .into());
    }
    let report: Report = serde_json::from_slice(&output.stdout)?;
    if report.messages != job.messages {
        return Err(format!(
            "{:?} {:?}: {} of {}",
            job.contender, job.task, report.messages, job.messages
        )
        .into());
    }
    Ok(Measured {
        report,
        broker_micros: (cpu_seconds(pid)? - before) * 1e6,
    })
}

fn broker_pid(node: &Node) -> Result<u32, Failure> {
    Ok(node
        .rabbitmqctl(&["eval", "os:getpid()."])?
        .trim()
        .trim_matches('"')
        .parse()?)
}
