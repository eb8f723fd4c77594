//! A thousand listeners against one: processor time for a message, memory for a listener, and what idling costs.

use std::process::{Command, Stdio};
use std::time::Duration;

use rmq_tests::broker::{Node, unique};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Failure;
use crate::queue::{Kind, Queues};
use crate::table::median;
use crate::thousand::{LISTENERS, Task, ThousandJob, ThousandReport};

/// Unacknowledged messages that each listener holds.
const HELD: u16 = 250;
const IDLE: Duration = Duration::from_secs(60);

/// Runs a child of this program and reads its report.
pub fn child<J: Serialize, R: DeserializeOwned>(flag: &str, job: &J) -> Result<R, Failure> {
    let output = Command::new(std::env::current_exe()?)
        .arg(flag)
        .arg(serde_json::to_string(job)?)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("the child for {flag} failed: {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

struct Bench {
    job: ThousandJob,
    queues: Queues,
}

impl Bench {
    fn run(&self, task: Task, messages: u64) -> Result<ThousandReport, Failure> {
        self.queues.fill(messages)?;
        let report: ThousandReport = child(
            "--thousand",
            &ThousandJob {
                task,
                messages,
                ..self.job.clone()
            },
        )?;
        if report.messages == messages {
            Ok(report)
        } else {
            Err(format!("{task:?}: {} of {messages}", report.messages).into())
        }
    }
}

fn bench(node: &Node, listeners: usize) -> Result<Bench, Failure> {
    let name = unique("listeners");
    let names: Vec<String> = (0..listeners).map(|n| format!("{name}.{n}")).collect();
    let queues = Queues::declare(&node.amqp_url(), Kind::Classic, names.clone())?;
    let job = ThousandJob {
        task: Task::Handle,
        address: node.address(),
        queues: names,
        messages: 0,
        prefetch: HELD,
    };
    Ok(Bench { job, queues })
}

/// Measures and prints.
#[allow(clippy::cast_precision_loss, reason = "a table of three digits")]
pub fn run(node: &Node, rounds: usize, messages: u64) -> Result<(), Failure> {
    let (one, many) = (bench(node, 1)?, bench(node, LISTENERS)?);
    println!(
        "\n**{LISTENERS} listeners in one process, {LISTENERS} classic queues filled evenly**\n"
    );
    println!("| | measured | target |");
    println!("|---|---|---|");

    // What starting and stopping cost is taken off: it has a row of its own.
    let handle = |bench: &Bench| -> Result<f64, Failure> {
        let empty = bench.run(Task::Handle, 0)?.cpu_micros;
        Ok((bench.run(Task::Handle, messages)?.cpu_micros - empty) / messages as f64)
    };
    let (mut of_one, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        of_one.push(handle(&one)?);
        of_many.push(handle(&many)?);
    }
    let (of_one, of_many) = (median(of_one.into_iter()), median(of_many.into_iter()));
    println!(
        "| CPU us/message, one listener (min-max) | {:.2} ({:.2}-{:.2}) | |",
        of_one.0, of_one.1, of_one.2
    );
    println!(
        "| CPU us/message, {LISTENERS} listeners (min-max) | {:.2} ({:.2}-{:.2}) = {:.2} x one | 2 x |",
        of_many.0,
        of_many.1,
        of_many.2,
        of_many.0 / of_one.0
    );

    let lonely = one.run(Task::Idle(Duration::from_secs(1)), 0)?;
    let idle = many.run(Task::Idle(IDLE), 0)?;
    let (cpu, seconds) = idle.idle.ok_or("no idle time in the report")?;
    println!(
        "| start of {LISTENERS}, until all consume | {:.1} s, {:.2} s of CPU | |",
        idle.start_seconds,
        (idle.cpu_micros - cpu) / 1e6
    );
    println!(
        "| idle {LISTENERS}, CPU over {seconds:.0} s | {:.3} % of a core | 0.2 % |",
        cpu / 1e4 / seconds
    );
    let each = |resident: f64| (resident - lonely.resident_kib as f64) / (LISTENERS - 1) as f64;
    println!(
        "| memory of a listener, idle | {:.1} KiB | 100 KB |",
        each(idle.resident_kib as f64)
    );
    let held = LISTENERS as u64 * u64::from(HELD);
    let hold = many.run(Task::Hold, held)?;
    let bodies = (held * 256) as f64 / 1024.0;
    println!(
        "| memory of a listener with {HELD} unacknowledged, without their bodies | {:.1} KiB | 100 KB |",
        each(hold.resident_kib as f64 - bodies)
    );
    Ok(())
}
