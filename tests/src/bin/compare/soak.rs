//! A thousand messages a second in and out, for long: memory at the end against memory after the first part.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rmq_core::prelude::*;
use rmq_tests::broker::{Node, unique};
use rmq_tests::process::memory_kib;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::listeners::child;
use crate::order::Order;
use crate::queue::{Kind, Queues};
use crate::usage::Clock;

const PER_SECOND: u32 = 1_000;
/// Messages are sent in so many handfuls a second.
const HANDFULS: u32 = 50;

/// The configuration of the soak.
#[rabbit_config]
struct Soak;

/// What the callbacks were told.
#[derive(Default, Clone)]
struct Told {
    confirms: Arc<AtomicU64>,
    returns: Arc<AtomicU64>,
}

#[on_confirm(config = Soak)]
async fn soaked(confirm: Confirm, told: State<Told>) {
    told.confirms
        .fetch_add(u64::from(confirm.is_ack()), Ordering::Relaxed);
}

#[on_return(config = Soak)]
async fn soaked_in_vain(_message: ReturnedMessage, told: State<Told>) {
    told.returns.fetch_add(1, Ordering::Relaxed);
}

#[rabbit_listener(queue = "soak", dead_letter = "external", config = Soak)]
async fn on_soaked(order: Order) {
    std::hint::black_box(order);
}

/// One child.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SoakJob {
    address: String,
    queue: String,
    seconds: u64,
}

/// What the child saw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SoakReport {
    /// Resident memory in KiB after each tenth of the time.
    tenths: Vec<u64>,
    sent: u64,
    acknowledged: u64,
    seconds: f64,
    cpu_micros: f64,
}

/// Sends and handles.
pub async fn work(job: &SoakJob) -> Result<SoakReport, Failure> {
    let text = format!(
        "rabbitmq:\n  addresses: {}\n  listeners:\n    on_soaked:\n      queue: {}\n",
        job.address, job.queue
    );
    let told = Told::default();
    let rabbit = Soak::builder()
        .properties("soak.yml", text)
        .environment::<String, String>([])
        .state(told.clone())
        .start()
        .await?;
    let template = rabbit.template();
    let clock = Clock::start()?;
    let mut ticker = tokio::time::interval(Duration::from_secs(1) / HANDFULS);
    let (mut tenths, mut n) = (Vec::new(), 0);
    let started = Instant::now();
    for tenth in 1..=10 {
        let until = started + Duration::from_secs(job.seconds) * tenth / 10;
        while Instant::now() < until {
            ticker.tick().await;
            let publish = |n| template.convert_and_send("", job.queue.as_str(), &Order::new(n));
            let handful = u64::from(PER_SECOND / HANDFULS);
            for outcome in template.send_all((n..n + handful).map(publish)).await {
                outcome?;
            }
            n += handful;
        }
        tenths.push(memory_kib(std::process::id())?);
    }
    let (wall, cpu_micros) = clock.stop()?;
    rabbit.stop().await?;
    let ledger = rabbit.ledger();
    let confirms = told.confirms.load(Ordering::Relaxed);
    if (confirms, told.returns.load(Ordering::Relaxed)) != (ledger.published.sent, 0) {
        return Err(format!("{confirms} confirms were told of {}", ledger.published).into());
    }
    Ok(SoakReport {
        tenths,
        sent: ledger.published.confirmed,
        acknowledged: ledger.delivered.deliveries.acknowledged,
        seconds: wall.as_secs_f64(),
        cpu_micros,
    })
}

/// Measures and prints.
#[allow(clippy::cast_precision_loss, reason = "a table of three digits")]
pub fn run(node: &Node, seconds: u64) -> Result<(), Failure> {
    let queue = unique("soak");
    let _queue = Queues::declare(&node.amqp_url(), Kind::Classic, vec![queue.clone()])?;
    let job = SoakJob {
        address: node.address(),
        queue,
        seconds,
    };
    let report: SoakReport = child("--soak", &job)?;
    let first = report.tenths.first().copied().unwrap_or_default() as f64;
    let last = report.tenths.last().copied().unwrap_or_default() as f64;
    println!("\n**{PER_SECOND} messages a second in and out, {seconds} s**\n");
    println!("| | measured | target |");
    println!("|---|---|---|");
    println!(
        "| messages sent and confirmed, acknowledged | {}, {} ({:.0}/s) | |",
        report.sent,
        report.acknowledged,
        report.sent as f64 / report.seconds
    );
    println!(
        "| CPU us/message, in and out | {:.1} | |",
        report.cpu_micros / report.sent as f64
    );
    let tenths: Vec<String> = report
        .tenths
        .iter()
        .map(|kib| format!("{:.1}", *kib as f64 / 1024.0))
        .collect();
    println!("| MB after each tenth | {} | |", tenths.join(" "));
    println!(
        "| memory at the end / after the first tenth | {:.2} | 1.1 |",
        last / first
    );
    Ok(())
}
