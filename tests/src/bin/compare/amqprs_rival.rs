//! amqprs, written by hand: callbacks for confirms, an ack for each delivery.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use amqprs::callbacks::ChannelCallback;
use amqprs::channel::{
    BasicAckArguments, BasicConsumeArguments, BasicPublishArguments, BasicQosArguments, Channel,
    ConfirmSelectArguments,
};
use amqprs::connection::{Connection, OpenConnectionArguments};
use amqprs::consumer::AsyncConsumer;
use amqprs::{Ack, BasicProperties, Cancel, CloseChannel, Deliver, Nack, Return};
use tokio::sync::{Notify, Semaphore};

use crate::Failure;
use crate::job::{Job, Latencies};
use crate::order::Order;

/// Verdicts as amqprs tells them: a tag, and whether it speaks for all below.
struct Verdicts {
    last: u64,
    window: Arc<Semaphore>,
    acked: Arc<AtomicU64>,
    bad: Arc<AtomicU64>,
}

impl Verdicts {
    fn settle(&mut self, tag: u64, multiple: bool, counter: &AtomicU64) {
        // In order on one node: what a single ack passes over is counted when its own ack comes.
        let count = if multiple {
            tag.saturating_sub(self.last)
        } else {
            1
        };
        self.last = self.last.max(tag);
        counter.fetch_add(count, Ordering::Relaxed);
        self.window.add_permits(usize::try_from(count).unwrap_or(0));
    }
}

type Result<T> = std::result::Result<T, amqprs::error::Error>;

#[async_trait::async_trait]
impl ChannelCallback for Verdicts {
    async fn close(&mut self, _: &Channel, _: CloseChannel) -> Result<()> {
        Ok(())
    }
    async fn cancel(&mut self, _: &Channel, _: Cancel) -> Result<()> {
        Ok(())
    }
    async fn flow(&mut self, _: &Channel, active: bool) -> Result<bool> {
        Ok(active)
    }
    async fn publish_ack(&mut self, _: &Channel, ack: Ack) {
        let acked = Arc::clone(&self.acked);
        self.settle(ack.delivery_tag(), ack.mutiple(), &acked);
    }
    async fn publish_nack(&mut self, _: &Channel, nack: Nack) {
        let bad = Arc::clone(&self.bad);
        self.settle(nack.delivery_tag(), nack.multiple(), &bad);
    }
    async fn publish_return(&mut self, _: &Channel, _: Return, _: BasicProperties, _: Vec<u8>) {
        self.bad.fetch_add(1, Ordering::Relaxed);
    }
}

async fn open(job: &Job) -> std::result::Result<(Connection, Channel), Failure> {
    let arguments = OpenConnectionArguments::new(&job.host()?, job.port()?, "guest", "guest");
    let connection = Connection::open(&arguments).await?;
    let channel = connection.open_channel(None).await?;
    Ok((connection, channel))
}

async fn publish(channel: &Channel, queue: &str, n: u64) -> std::result::Result<(), Failure> {
    let properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_content_type("application/json")
        .with_message_id(&uuid::Uuid::new_v4().to_string())
        .finish();
    let mut arguments = BasicPublishArguments::new("", queue);
    arguments.mandatory(true);
    channel
        .basic_publish(properties, Order::new(n).json()?, arguments)
        .await?;
    Ok(())
}

struct Publisher {
    _connection: Connection,
    channel: Channel,
    window: Arc<Semaphore>,
    acked: Arc<AtomicU64>,
    bad: Arc<AtomicU64>,
}

async fn publisher(job: &Job, window: usize) -> std::result::Result<Publisher, Failure> {
    let (connection, channel) = open(job).await?;
    let (acked, bad) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let window = Arc::new(Semaphore::new(window));
    let verdicts = Verdicts {
        last: 0,
        window: Arc::clone(&window),
        acked: Arc::clone(&acked),
        bad: Arc::clone(&bad),
    };
    channel.register_callback(verdicts).await?;
    channel
        .confirm_select(ConfirmSelectArguments::default())
        .await?;
    Ok(Publisher {
        _connection: connection,
        channel,
        window,
        acked,
        bad,
    })
}

impl Publisher {
    async fn finish(self, window: usize) -> std::result::Result<u64, Failure> {
        let _all = self.window.acquire_many(u32::try_from(window)?).await?;
        match self.bad.load(Ordering::Relaxed) {
            0 => Ok(self.acked.load(Ordering::Relaxed)),
            bad => Err(format!("{bad} not confirmed").into()),
        }
    }
}

/// One task, a window of confirms.
pub async fn window(job: &Job) -> std::result::Result<u64, Failure> {
    let publisher = publisher(job, job.window).await?;
    for n in 0..job.messages {
        publisher.window.acquire().await?.forget();
        publish(&publisher.channel, &job.queue, n).await?;
    }
    publisher.finish(job.window).await
}

/// One publish at a time.
pub async fn latency(job: &Job) -> std::result::Result<Latencies, Failure> {
    let publisher = publisher(job, 1).await?;
    let mut latencies = Latencies::default();
    for n in 0..job.messages {
        publisher.window.acquire().await?.forget();
        let start = Instant::now();
        publish(&publisher.channel, &job.queue, n).await?;
        drop(publisher.window.acquire().await?);
        latencies.add(start.elapsed());
    }
    publisher.finish(1).await?;
    Ok(latencies)
}

struct Handler {
    job: Job,
    handled: Arc<AtomicU64>,
    done: Arc<Notify>,
}

#[async_trait::async_trait]
impl AsyncConsumer for Handler {
    async fn consume(
        &mut self,
        channel: &Channel,
        deliver: Deliver,
        _: BasicProperties,
        content: Vec<u8>,
    ) {
        let Ok(order) = serde_json::from_slice(&content) else {
            return;
        };
        self.job.handled(order);
        let acked = channel
            .basic_ack(BasicAckArguments::new(deliver.delivery_tag(), false))
            .await;
        if acked.is_ok() && self.handled.fetch_add(1, Ordering::Relaxed) + 1 == self.job.messages {
            self.done.notify_one();
        }
    }
}

/// Each delivery decoded and acknowledged.
pub async fn consume(job: &Job) -> std::result::Result<u64, Failure> {
    let (_connection, channel) = open(job).await?;
    channel
        .basic_qos(BasicQosArguments::new(0, job.prefetch, false))
        .await?;
    let (handled, done) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
    let handler = Handler {
        job: job.clone(),
        handled: Arc::clone(&handled),
        done: Arc::clone(&done),
    };
    channel
        .basic_consume(handler, BasicConsumeArguments::new(&job.queue, "compare"))
        .await?;
    done.notified().await;
    Ok(handled.load(Ordering::Relaxed))
}
