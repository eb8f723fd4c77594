//! Speed, measured side by side: this project, lapin and amqprs on one private node, in one run.
//!
//! `cargo run --release -p rmq-tests --bin compare [-- --rounds N] [--messages N] [--only NAME] [--release 3|4] [--seconds N]`
//!
//! NAME is `window`, `tasks`, `latency`, `consume`, `listeners` (1,000 listeners in one process) or `soak` (1,000 messages a
//! second in and out for `--seconds`, by default 600). Without it all but `soak` are measured.
//!
//! Each measurement is a child process of its own; contenders alternate; the table shows medians with their spread.

mod amqprs_rival;
mod child;
mod job;
mod lapin_rival;
mod listeners;
mod order;
mod ours;
mod queue;
mod rounds;
mod soak;
mod table;
mod thousand;
mod usage;

use std::process::ExitCode;

use rmq_tests::broker::{Node, NodeConfig, Release};
use rmq_tests::process::machine;

use job::Task;
use queue::Kind;

/// Whatever stops the comparison, in words.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Options {
    rounds: usize,
    messages: u64,
    only: Option<String>,
    seconds: u64,
    release: Release,
}

/// What there is to measure; `soak` only when it is asked for.
const MEASUREMENTS: [&str; 6] = ["window", "tasks", "consume", "latency", "listeners", "soak"];

fn options(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options {
        rounds: 5,
        messages: 100_000,
        only: None,
        seconds: 600,
        release: Release::V3,
    };
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let value = rest.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--rounds" => options.rounds = value.parse()?,
            "--messages" => options.messages = value.parse()?,
            "--seconds" => options.seconds = value.parse()?,
            "--only" if !MEASUREMENTS.contains(&value.as_str()) => {
                return Err(format!("--only is one of {}", MEASUREMENTS.join(", ")).into());
            }
            "--only" => options.only = Some(value.clone()),
            "--release" if value == "4" => options.release = Release::V4,
            "--release" if value == "3" => options.release = Release::V3,
            _ => return Err(format!("unknown option {name} {value}").into()),
        }
    }
    Ok(options)
}

fn compare(options: &Options) -> Result<(), Failure> {
    let node = Node::start(options.release, NodeConfig::default())?;
    println!("{}", setting(options, &node)?);
    for (name, task) in [
        ("window", Task::Window),
        ("tasks", Task::Tasks),
        ("consume", Task::Consume),
        ("latency", Task::Latency),
    ] {
        if options.only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let messages = if task == Task::Latency {
            options.messages / 50
        } else {
            options.messages
        };
        for kind in [Kind::Classic, Kind::Quorum] {
            table::print(
                kind,
                task,
                &rounds::run(&node, kind, task, options.rounds, messages)?,
            );
        }
    }
    if options.only.as_ref().is_none_or(|only| only == "listeners") {
        listeners::run(&node, options.rounds, options.messages)?;
    }
    if options.only.as_ref().is_some_and(|only| only == "soak") {
        soak::run(&node, options.seconds)?;
    }
    Ok(())
}

fn setting(options: &Options, node: &Node) -> Result<String, Failure> {
    let version = node.rabbitmqctl(&["eval", "rabbit_misc:version()."])?;
    Ok(format!(
        "{}; RabbitMQ {}, one node; lapin 4.12, amqprs 2.1; median of {} alternating rounds of {} messages; 256-byte JSON, persistent, mandatory.",
        machine(),
        version.trim().trim_matches('"'),
        options.rounds,
        options.messages,
    ))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.as_slice() {
        [flag, job] if flag == "--child" => child::run(job),
        [flag, job] if flag == "--thousand" => child::alone(job, thousand::run),
        [flag, job] if flag == "--soak" => child::alone(job, soak::work),
        _ => options(&arguments).and_then(|options| compare(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("compare: {failure}");
            ExitCode::FAILURE
        }
    }
}
