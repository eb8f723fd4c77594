//! One measurement, alone in its process.

use rmq_tests::process::peak_memory_kib;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing_subscriber::fmt::MakeWriter;

use crate::job::{Contender, Job, Latencies, Report, Task};
use crate::usage::Clock;
use crate::{Failure, amqprs_rival, lapin_rival, ours};

/// A subscriber at its default level and a runtime, for everybody.
fn runtime<W>(lines_to: W) -> Result<tokio::runtime::Runtime, Failure>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt().with_writer(lines_to).init();
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

/// Does a job of its own kind and prints the report, and ends without giving anything back.
pub fn alone<J, R>(
    job: &str,
    work: impl AsyncFnOnce(&J) -> Result<R, Failure>,
) -> Result<(), Failure>
where
    J: DeserializeOwned,
    R: Serialize,
{
    let job: J = serde_json::from_str(job)?;
    // A thousand listeners say what each of them does: more than anybody reads.
    let runtime = runtime(std::io::sink)?;
    let report = runtime.block_on(work(&job))?;
    println!("{}", serde_json::to_string(&report)?);
    runtime.shutdown_background();
    Ok(())
}

/// Does the job and prints the report.
pub fn run(job: &str) -> Result<(), Failure> {
    let job: Job = serde_json::from_str(job)?;
    let runtime = runtime(std::io::stderr)?;
    let clock = Clock::start()?;
    let (messages, mut latencies) = runtime.block_on(work(&job))?;
    let (wall, cpu_micros) = clock.stop()?;
    let report = Report {
        messages,
        seconds: wall.as_secs_f64(),
        cpu_micros,
        peak_kib: peak_memory_kib(std::process::id())?,
        median_micros: latencies.as_mut().map(|all| all.percentile(50)),
        p99_micros: latencies.as_mut().map(|all| all.percentile(99)),
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

async fn work(job: &Job) -> Result<(u64, Option<Latencies>), Failure> {
    let messages = match (job.contender, job.task) {
        (Contender::Lapin, Task::Window) => lapin_rival::window(job).await?,
        (Contender::Lapin, Task::Tasks) => lapin_rival::tasks(job).await?,
        (Contender::LapinApart, Task::Tasks) => lapin_rival::tasks_apart(job).await?,
        (Contender::Lapin, Task::Consume) => lapin_rival::consume(job).await?,
        (Contender::Lapin, Task::Latency) => return timed(lapin_rival::latency(job).await?),
        (Contender::LapinFast, Task::Window) => lapin_rival::window_by_handfuls(job).await?,
        (Contender::LapinFast, Task::Consume) => lapin_rival::consume_by_handfuls(job).await?,
        (Contender::Amqprs, Task::Window) => amqprs_rival::window(job).await?,
        (Contender::Amqprs, Task::Consume) => amqprs_rival::consume(job).await?,
        (Contender::Amqprs, Task::Latency) => return timed(amqprs_rival::latency(job).await?),
        (Contender::Rmq, Task::Window) => ours::window(job).await?,
        (Contender::Rmq, Task::Tasks) => ours::tasks(job).await?,
        (Contender::Rmq, Task::Consume) => ours::consume(job).await?,
        (Contender::Rmq, Task::Latency) => return timed(ours::latency(job).await?),
        (contender, task) => return Err(format!("{contender:?} has no {task:?}").into()),
    };
    Ok((messages, None))
}

fn timed(latencies: Latencies) -> Result<(u64, Option<Latencies>), Failure> {
    Ok((latencies.len(), Some(latencies)))
}
