//! lapin, written by hand as its own examples do, and in its fast idiom.

use std::collections::VecDeque;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::future::try_join_all;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions,
};
use lapin::types::FieldTable;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer,
    PublisherConfirm,
};

use crate::Failure;
use crate::job::{Job, Latencies};
use crate::order::Order;

/// Publishes handed over at once, in the fast idiom.
const HANDFUL: u64 = 64;
/// Deliveries under one ack, in the fast idiom.
const ACK_EVERY: u64 = 50;

async fn channel(job: &Job) -> Result<(Connection, Channel), Failure> {
    let connection = Connection::connect(&job.url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    Ok((connection, channel))
}

async fn confirming(job: &Job) -> Result<(Connection, Channel), Failure> {
    let (connection, channel) = channel(job).await?;
    confirms(&channel).await?;
    Ok((connection, channel))
}

async fn confirms(channel: &Channel) -> Result<(), Failure> {
    let options = ConfirmSelectOptions::default();
    Ok(channel.confirm_select(options).await?)
}

async fn publish(channel: &Channel, queue: &str, n: u64) -> Result<PublisherConfirm, Failure> {
    let body = Order::new(n).json()?;
    let properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_content_type("application/json".into())
        .with_message_id(uuid::Uuid::new_v4().to_string().into());
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    Ok(channel
        .basic_publish("".into(), queue.into(), options, &body, properties)
        .await?)
}

fn count(verdict: &Confirmation) -> Result<u64, Failure> {
    match verdict {
        Confirmation::Ack(None) => Ok(1),
        other => Err(format!("not confirmed: {other:?}").into()),
    }
}

/// One task, a window of confirms.
pub async fn window(job: &Job) -> Result<u64, Failure> {
    let (_connection, channel) = confirming(job).await?;
    let mut pending = VecDeque::with_capacity(job.window);
    let mut confirmed = 0;
    for n in 0..job.messages {
        if pending.len() == job.window
            && let Some(oldest) = pending.pop_front()
        {
            confirmed += count(&oldest.await?)?;
        }
        pending.push_back(publish(&channel, &job.queue, n).await?);
    }
    for confirm in pending {
        confirmed += count(&confirm.await?)?;
    }
    Ok(confirmed)
}

/// One task, 64 publishes handed over at once, a window of confirms.
pub async fn window_by_handfuls(job: &Job) -> Result<u64, Failure> {
    let (_connection, channel) = confirming(job).await?;
    let mut pending = VecDeque::with_capacity(job.window);
    let mut confirmed = 0;
    let mut n = 0;
    while n < job.messages {
        let end = (n + HANDFUL).min(job.messages);
        pending.extend(try_join_all((n..end).map(|n| publish(&channel, &job.queue, n))).await?);
        n = end;
        while pending.len() >= job.window {
            let Some(oldest) = pending.pop_front() else {
                break;
            };
            confirmed += count(&oldest.await?)?;
        }
    }
    for confirm in pending {
        confirmed += count(&confirm.await?)?;
    }
    Ok(confirmed)
}

/// Many tasks on one channel, each awaiting its own verdict.
pub async fn tasks(job: &Job) -> Result<u64, Failure> {
    let (_connection, channel) = confirming(job).await?;
    each_its_own(job, (0..job.tasks).map(|_| channel.clone())).await
}

/// Many tasks, each on a channel of its own.
pub async fn tasks_apart(job: &Job) -> Result<u64, Failure> {
    let (connection, first) = confirming(job).await?;
    let mut channels = vec![first];
    for _ in 1..job.tasks {
        let channel = connection.create_channel().await?;
        confirms(&channel).await?;
        channels.push(channel);
    }
    each_its_own(job, channels).await
}

async fn each_its_own(
    job: &Job,
    channels: impl IntoIterator<Item = Channel>,
) -> Result<u64, Failure> {
    let mut tasks = tokio::task::JoinSet::new();
    for (task, channel) in (0..).zip(channels) {
        let job = job.clone();
        tasks.spawn(async move {
            let mut confirmed = 0;
            for n in job.share(task) {
                confirmed += count(&publish(&channel, &job.queue, n).await?.await?)?;
            }
            Ok::<_, Failure>(confirmed)
        });
    }
    let mut confirmed = 0;
    while let Some(done) = tasks.join_next().await {
        confirmed += done??;
    }
    Ok(confirmed)
}

/// One publish at a time.
pub async fn latency(job: &Job) -> Result<Latencies, Failure> {
    let (_connection, channel) = confirming(job).await?;
    let mut latencies = Latencies::default();
    for n in 0..job.messages {
        let start = Instant::now();
        count(&publish(&channel, &job.queue, n).await?.await?)?;
        latencies.add(start.elapsed());
    }
    Ok(latencies)
}

async fn consumer(job: &Job) -> Result<(Connection, Channel, Consumer), Failure> {
    let (connection, channel) = channel(job).await?;
    channel
        .basic_qos(job.prefetch, BasicQosOptions::default())
        .await?;
    let consumer = channel
        .basic_consume(
            job.queue.as_str().into(),
            "compare".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await?;
    Ok((connection, channel, consumer))
}

/// Each delivery decoded and acknowledged.
pub async fn consume(job: &Job) -> Result<u64, Failure> {
    let (_connection, _channel, mut consumer) = consumer(job).await?;
    let mut handled = 0;
    while handled < job.messages {
        let delivery = consumer.next().await.ok_or("the consumer ended")??;
        job.handled(serde_json::from_slice(&delivery.data)?);
        delivery.ack(BasicAckOptions::default()).await?;
        handled += 1;
    }
    Ok(handled)
}

/// One ack for each 50 deliveries.
pub async fn consume_by_handfuls(job: &Job) -> Result<u64, Failure> {
    let (_connection, _channel, mut consumer) = consumer(job).await?;
    let mut handled = 0;
    while handled < job.messages {
        let delivery = consumer.next().await.ok_or("the consumer ended")??;
        job.handled(serde_json::from_slice(&delivery.data)?);
        handled += 1;
        if handled % ACK_EVERY == 0 || handled == job.messages {
            delivery.ack(BasicAckOptions { multiple: true }).await?;
        }
    }
    Ok(handled)
}
