//! What one child process is told to do, and what it reports.

use std::hint::black_box;
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::order::Order;

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Contender {
    /// This project, through its public template and a `#[rabbit_listener]`.
    Rmq,
    /// lapin as its own examples do.
    Lapin,
    /// lapin's fast idiom.
    LapinFast,
    /// lapin with a channel for each task: tasks that publish on one channel swap their verdicts.
    LapinApart,
    /// amqprs with callbacks.
    Amqprs,
}

impl Contender {
    /// How the table calls it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Rmq => "rmq",
            Self::Lapin => "lapin by hand",
            Self::LapinApart => "lapin by hand, a channel a task",
            Self::LapinFast => "lapin, 64 at once / ack per 50",
            Self::Amqprs => "amqprs by hand",
        }
    }
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Task {
    /// One task, a window of confirms.
    Window,
    /// Many tasks, each awaiting its own verdict.
    Tasks,
    /// One publish at a time.
    Latency,
    /// Consume, decode, acknowledge.
    Consume,
}

impl Task {
    /// How the table calls it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Window => "publish, window 1,000, one task",
            Self::Tasks => "publish, 256 tasks, each its own verdict",
            Self::Latency => "publish, window 1",
            Self::Consume => "consume with ack, prefetch 250",
        }
    }

    /// Who takes part: what a rival has no idiom for is left out.
    pub const fn contenders(self) -> &'static [Contender] {
        use Contender::{Amqprs, Lapin, LapinApart, LapinFast, Rmq};
        match self {
            Self::Window | Self::Consume => &[Rmq, Lapin, LapinFast, Amqprs],
            Self::Tasks => &[Rmq, Lapin, LapinApart],
            Self::Latency => &[Rmq, Lapin, Amqprs],
        }
    }
}

/// One measurement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// Who.
    pub contender: Contender,
    /// What.
    pub task: Task,
    /// `amqp://user:password@host:port/vhost`.
    pub url: String,
    /// The queue; it exists.
    pub queue: String,
    /// How many messages.
    pub messages: u64,
    /// Confirms in flight.
    pub window: usize,
    /// Tasks of [`Task::Tasks`].
    pub tasks: u64,
    /// Prefetch of [`Task::Consume`].
    pub prefetch: u16,
}

impl Job {
    /// The numbers of one of many tasks.
    pub fn share(&self, task: u64) -> Range<u64> {
        task * self.messages / self.tasks..(task + 1) * self.messages / self.tasks
    }

    /// Where a handled order goes: nowhere, but the compiler does not know.
    pub fn handled(&self, order: Order) {
        black_box(order);
    }

    fn authority(&self) -> Result<(&str, &str), Failure> {
        let address = self.url.rsplit_once('@').ok_or("no `@` in the URL")?.1;
        let address = address.split('/').next().unwrap_or_default();
        Ok(address.rsplit_once(':').ok_or("no port in the URL")?)
    }

    /// The broker's host.
    pub fn host(&self) -> Result<String, Failure> {
        Ok(self.authority()?.0.to_owned())
    }

    /// The broker's port.
    pub fn port(&self) -> Result<u16, Failure> {
        Ok(self.authority()?.1.parse()?)
    }
}

/// Latencies of single publishes.
#[derive(Debug, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// One more.
    pub fn add(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    /// How many.
    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// The latency that `percent` of them do not exceed, in microseconds.
    pub fn percentile(&mut self, percent: usize) -> f64 {
        self.0.sort_unstable();
        let index = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0
            .get(index)
            .map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
    }
}

/// What a child reports.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// Messages that ended well.
    pub messages: u64,
    /// Seconds.
    pub seconds: f64,
    /// Processor microseconds of the child.
    pub cpu_micros: f64,
    /// Peak resident memory in KiB.
    pub peak_kib: u64,
    /// Median confirm latency in microseconds, for [`Task::Latency`].
    pub median_micros: Option<f64>,
    /// 99th percentile, likewise.
    pub p99_micros: Option<f64>,
}
