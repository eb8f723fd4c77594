//! What becomes of a message that its queue gives up.

use super::Queue;

/// Where a queue sends the messages that were rejected, expired, or delivered too often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeadLetter {
    /// To the queue `<name>.dlq`, which is declared with it. A queue that goes away by itself
    /// (exclusive, auto-delete, transient) and a stream get none.
    #[default]
    Default,
    /// To the queue of that name through the default exchange. It is declared (quorum, without a
    /// dead-letter queue of its own) unless the topology declares it.
    Queue(String),
    /// To an exchange.
    Exchange {
        /// The dead-letter exchange.
        exchange: String,
        /// The key to publish with; without one the message keeps its own.
        routing_key: Option<String>,
    },
    /// By a policy on the broker, which this program does not see.
    Policy,
    /// By arrangements elsewhere, which this program does not see.
    External,
    /// Nowhere: such messages are **deleted**.
    None,
}

impl DeadLetter {
    /// Reads what an attribute or `rabbit.yml` says: `default`, `none`, `policy`, `external`, or
    /// the name of a queue.
    pub fn from_name(text: &str) -> Self {
        match text {
            "default" => Self::Default,
            "none" => Self::None,
            "policy" => Self::Policy,
            "external" => Self::External,
            queue => Self::Queue(queue.to_owned()),
        }
    }

    /// To a queue of any name, also one that [`from_name`](Self::from_name) would read otherwise.
    pub fn queue(name: impl Into<String>) -> Self {
        Self::Queue(name.into())
    }

    /// To an exchange; the message keeps its routing key.
    pub fn exchange(name: impl Into<String>) -> Self {
        Self::Exchange {
            exchange: name.into(),
            routing_key: None,
        }
    }

    /// To an exchange with a routing key of its own.
    pub fn exchange_with(name: impl Into<String>, routing_key: impl Into<String>) -> Self {
        Self::Exchange {
            exchange: name.into(),
            routing_key: Some(routing_key.into()),
        }
    }

    /// The name of the dead-letter queue that a queue gets by default.
    pub fn default_queue(queue: &str) -> String {
        format!("{queue}.dlq")
    }
}

impl From<&str> for DeadLetter {
    fn from(text: &str) -> Self {
        Self::from_name(text)
    }
}

impl From<&Queue> for DeadLetter {
    fn from(queue: &Queue) -> Self {
        Self::Queue(queue.name().to_owned())
    }
}

/// How a queue hands its dead letters over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeadLetterStrategy {
    /// The queue keeps a message until the dead-letter queue has confirmed it. Quorum queues only,
    /// and only with overflow `reject-publish`. Our default.
    AtLeastOnce,
    /// The message is published without a confirm and can be lost. RabbitMQ's default.
    AtMostOnce,
}

impl DeadLetterStrategy {
    /// The value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtLeastOnce => "at-least-once",
            Self::AtMostOnce => "at-most-once",
        }
    }
}
