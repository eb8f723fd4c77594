use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::{DeliveryEnd, PublishCounts};

/// Handles of every metric, looked up once for each batch of events.
///
/// The first four names are OpenTelemetry's messaging conventions; the others are this crate's own.
///
/// | name | kind | unit |
/// |---|---|---|
/// | `messaging.client.sent.messages` | counter | messages that left, copies included |
/// | `messaging.client.operation.duration` | histogram | seconds from entering the window to the verdict |
/// | `messaging.client.consumed.messages` | counter | messages delivered |
/// | `messaging.process.duration` | histogram | seconds a handler took |
/// | `rmq.publish.outcomes` by `outcome` | counter | messages |
/// | `rmq.publish.in_flight` | gauge | messages |
/// | `rmq.publish.copies`, `rmq.publish.late_verdicts` | counter | messages |
/// | `rmq.delivery.ends` by `end` | counter | messages |
#[derive(Debug, Clone, Copy, Default)]
pub struct Metrics;

impl Metrics {
    fn sent(messages: u64) {
        counter!("messaging.client.sent.messages", "messaging.system" => "rabbitmq")
            .increment(messages);
    }

    /// The histogram of confirm latency.
    pub fn send_duration() -> Histogram {
        histogram!(
            "messaging.client.operation.duration",
            "messaging.system" => "rabbitmq", "messaging.operation.name" => "send"
        )
    }

    /// Messages of one batch that ended, and what is still in flight. `messaging.client.sent.messages` counts them
    /// here, too: each message once, and each copy.
    pub fn settled(ended: &PublishCounts, in_flight: u64) {
        let told = ended.confirmed + ended.returned + ended.nacked + ended.refused + ended.unknown;
        Self::sent(told + ended.copies);
        let add = |outcome: &'static str, messages: u64| {
            if messages > 0 {
                counter!("rmq.publish.outcomes", "outcome" => outcome).increment(messages);
            }
        };
        add("confirmed", ended.confirmed);
        add("returned", ended.returned);
        add("nacked", ended.nacked);
        add("refused", ended.refused);
        add("unknown", ended.unknown);
        if ended.copies > 0 {
            counter!("rmq.publish.copies").increment(ended.copies);
        }
        if ended.late_verdicts > 0 {
            counter!("rmq.publish.late_verdicts").increment(ended.late_verdicts);
        }
        Self::in_flight().set(approximate(in_flight));
    }

    fn in_flight() -> Gauge {
        gauge!("rmq.publish.in_flight")
    }

    /// Messages delivered.
    pub fn consumed(messages: u64) {
        Self::consumed_counter().increment(messages);
    }

    fn consumed_counter() -> Counter {
        counter!("messaging.client.consumed.messages", "messaging.system" => "rabbitmq")
    }

    /// One message handled.
    pub fn processed(duration: Duration) {
        histogram!("messaging.process.duration", "messaging.system" => "rabbitmq")
            .record(duration.as_secs_f64());
    }

    /// Deliveries that ended.
    pub fn delivery_ended(end: DeliveryEnd, messages: u64) {
        let end = match end {
            DeliveryEnd::Acknowledged => "acknowledged",
            DeliveryEnd::DeadLettered => "dead_lettered",
            DeliveryEnd::Parked => "parked",
            DeliveryEnd::Requeued => "requeued",
            DeliveryEnd::LeftToBroker => "left_to_broker",
        };
        counter!("rmq.delivery.ends", "end" => end).increment(messages);
    }
}

/// A gauge is a float; counts of messages in flight are far below 2^32.
fn approximate(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
