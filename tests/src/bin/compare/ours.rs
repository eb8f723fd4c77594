//! This project, through its public template and a `#[rabbit_listener]`, with callbacks, verdicts and ledger on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rmq_core::prelude::*;
use rmq_core::{Publish, RabbitBuilder};
use tokio::sync::Notify;

use crate::Failure;
use crate::job::{Job, Latencies};
use crate::order::Order;

/// The configuration of the comparison.
#[rabbit_config]
struct Compare;

/// What the callbacks count.
#[derive(Default)]
struct Verdicts {
    confirmed: AtomicU64,
    returned: AtomicU64,
}

#[on_confirm(config = Compare)]
async fn confirmed(confirm: Confirm, verdicts: State<Verdicts>) {
    if confirm.is_ack() {
        verdicts.confirmed.fetch_add(1, Ordering::Relaxed);
    }
}

#[on_return(config = Compare)]
async fn returned(_message: ReturnedMessage, verdicts: State<Verdicts>) {
    verdicts.returned.fetch_add(1, Ordering::Relaxed);
}

/// What the listener counts.
struct Handled {
    job: Job,
    handled: AtomicU64,
    done: Arc<Notify>,
}

// The file says which queue: each run has its own.
#[rabbit_listener(queue = "compare", dead_letter = "external", config = Compare)]
async fn on_order(order: Order, handled: State<Handled>) {
    handled.job.handled(order);
    if handled.handled.fetch_add(1, Ordering::Relaxed) + 1 == handled.job.messages {
        handled.done.notify_one();
    }
}

fn builder(job: &Job, rest: &str) -> Result<RabbitBuilder, Failure> {
    let text = format!(
        "rabbitmq:\n  addresses: {}:{}\n  publisher:\n    window:\n      messages: {}\n{rest}",
        job.host()?,
        job.port()?,
        job.window,
    );
    Ok(Compare::builder()
        .properties("compare.yml", text)
        .environment::<String, String>([])
        .state(Verdicts::default()))
}

async fn publisher(job: &Job) -> Result<RabbitApp, Failure> {
    Ok(builder(job, "")?
        .only(listeners![confirmed, returned])
        .start()
        .await?)
}

fn publish(template: &RabbitTemplate, job: &Job, n: u64) -> Publish {
    template.convert_and_send("", job.queue.as_str(), &Order::new(n))
}

async fn finish(rabbit: RabbitApp) -> Result<u64, Failure> {
    rabbit.stop().await?;
    let published = rabbit.ledger().published;
    if published.confirmed == published.sent {
        Ok(published.confirmed)
    } else {
        Err(format!("not confirmed: {published}").into())
    }
}

/// One task, a window of confirms.
pub async fn window(job: &Job) -> Result<u64, Failure> {
    let rabbit = publisher(job).await?;
    let template = rabbit.template();
    let mut pending = VecDeque::with_capacity(job.window);
    for n in 0..job.messages {
        if pending.len() == job.window
            && let Some(oldest) = pending.pop_front()
        {
            oldest.await?;
        }
        pending.push_back(publish(&template, job, n).enqueue().await?);
    }
    for confirm in pending {
        confirm.await?;
    }
    finish(rabbit).await
}

/// Many tasks, each awaiting its own verdict.
pub async fn tasks(job: &Job) -> Result<u64, Failure> {
    let rabbit = publisher(job).await?;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..job.tasks {
        let (template, job) = (rabbit.template(), job.clone());
        tasks.spawn(async move {
            for n in job.share(task) {
                publish(&template, &job, n).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    finish(rabbit).await
}

/// One publish at a time.
pub async fn latency(job: &Job) -> Result<Latencies, Failure> {
    let rabbit = publisher(job).await?;
    let template = rabbit.template();
    let mut latencies = Latencies::default();
    for n in 0..job.messages {
        let start = Instant::now();
        publish(&template, job, n).await?;
        latencies.add(start.elapsed());
    }
    finish(rabbit).await?;
    Ok(latencies)
}

/// Each delivery decoded, handled and acknowledged.
pub async fn consume(job: &Job) -> Result<u64, Failure> {
    let done = Arc::new(Notify::new());
    let handled = Handled {
        job: job.clone(),
        handled: AtomicU64::new(0),
        done: Arc::clone(&done),
    };
    let listeners = format!(
        "  listeners:\n    on_order:\n      queue: {}\n      prefetch: {}\n",
        job.queue, job.prefetch
    );
    let rabbit = builder(job, &listeners)?
        .state(handled)
        .only(listeners![on_order])
        .start()
        .await?;
    done.notified().await;
    rabbit.stop().await?;
    Ok(rabbit.ledger().delivered.deliveries.acknowledged)
}
