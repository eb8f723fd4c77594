//! A thousand listeners in one process, through `#[rabbit_listener]`, and one with the same work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rmq_core::RabbitBuilder;
use rmq_core::prelude::*;
use rmq_tests::process::memory_kib;
use seq_macro::seq;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::Failure;
use crate::order::Order;
use crate::usage::Clock;

/// How many listeners [`Thousand`] has.
pub const LISTENERS: usize = 1_000;

/// A thousand listeners.
#[rabbit_config]
struct Thousand;

/// One.
#[rabbit_config]
struct One;

/// What listeners do with an order.
struct Work {
    /// They hold what they get, unacknowledged.
    hold: bool,
    wanted: u64,
    handled: AtomicU64,
    done: Arc<Notify>,
}

impl Work {
    async fn on(&self, order: Order) {
        std::hint::black_box(order);
        if self.hold {
            std::future::pending::<()>().await;
        }
        if self.handled.fetch_add(1, Ordering::Relaxed) + 1 == self.wanted {
            self.done.notify_one();
        }
    }
}

#[rabbit_listener(queue = "one", dead_letter = "external", config = One)]
async fn on_order_of_one(order: Order, work: State<Work>) {
    work.on(order).await;
}

seq!(N in 0..1000 {
    #(
        #[rabbit_listener(queue = "thousand", dead_letter = "external", config = Thousand)]
        async fn on_order_~N(order: Order, work: State<Work>) {
            work.on(order).await;
        }
    )*
});

/// What the child is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Handle so many messages, then stop.
    Handle,
    /// Start, do nothing for so long, stop.
    Idle(Duration),
    /// Hold so many messages unacknowledged, and end where it stands.
    Hold,
}

/// One child.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ThousandJob {
    /// What.
    pub task: Task,
    /// `host:port`.
    pub address: String,
    /// The queues; one listener for each: one or a thousand.
    pub queues: Vec<String>,
    /// How many messages are in them.
    pub messages: u64,
    /// Prefetch of each.
    pub prefetch: u16,
}

/// What the child saw.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ThousandReport {
    /// Seconds until all listeners consumed.
    pub start_seconds: f64,
    /// Processor microseconds from the start of the application to the end of the task.
    pub cpu_micros: f64,
    /// Processor microseconds of an idle time, and its length in seconds.
    pub idle: Option<(f64, f64)>,
    /// Resident memory at the end of the task, in KiB.
    pub resident_kib: u64,
    /// Messages handled or held.
    pub messages: u64,
}

fn builder(job: &ThousandJob) -> RabbitBuilder {
    let mut text = format!("rabbitmq:\n  addresses: {}\n  listeners:\n", job.address);
    for (n, queue) in job.queues.iter().enumerate() {
        let id = match job.queues.len() {
            1 => "on_order_of_one".to_owned(),
            _ => format!("on_order_{n}"),
        };
        text += &format!(
            "    {id}:\n      queue: {queue}\n      prefetch: {}\n",
            job.prefetch
        );
    }
    let builder = match job.queues.len() {
        1 => One::builder(),
        _ => Thousand::builder(),
    };
    builder
        .properties("thousand.yml", text)
        .environment::<String, String>([])
}

/// Does it.
pub async fn run(job: &ThousandJob) -> Result<ThousandReport, Failure> {
    let done = Arc::new(Notify::new());
    let work = Work {
        hold: job.task == Task::Hold,
        wanted: job.messages,
        handled: AtomicU64::new(0),
        done: Arc::clone(&done),
    };
    let clock = Clock::start()?;
    let started = Instant::now();
    let rabbit = builder(job).state(work).start().await?;
    let start_seconds = started.elapsed().as_secs_f64();
    let mut idle = None;
    match job.task {
        Task::Handle if job.messages > 0 => done.notified().await,
        Task::Handle => {}
        Task::Idle(long) => {
            // What the start left to do is done by then.
            tokio::time::sleep(Duration::from_secs(2)).await;
            let clock = Clock::start()?;
            tokio::time::sleep(long).await;
            let (wall, cpu) = clock.stop()?;
            idle = Some((cpu, wall.as_secs_f64()));
        }
        Task::Hold => held(&rabbit, job.messages).await?,
    }
    let resident_kib = memory_kib(std::process::id())?;
    let messages = rabbit.ledger().delivered.deliveries;
    if job.task == Task::Hold {
        // What is held is meant to be: nobody needs to be told each of its ids.
        let _held = std::mem::ManuallyDrop::new(rabbit);
    } else {
        rabbit.stop().await?;
    }
    let (_, cpu_micros) = clock.stop()?;
    Ok(ThousandReport {
        start_seconds,
        cpu_micros,
        idle,
        resident_kib,
        messages: messages.delivered,
    })
}

/// Waits until all messages are here.
async fn held(rabbit: &RabbitApp, messages: u64) -> Result<(), Failure> {
    let deadline = Instant::now() + Duration::from_secs(120);
    while rabbit.ledger().delivered.deliveries.in_flight < messages {
        if Instant::now() > deadline {
            return Err(format!("not held: {}", rabbit.ledger().delivered.deliveries).into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Buffers of the burst are given back when their owners have nothing to do.
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(())
}
