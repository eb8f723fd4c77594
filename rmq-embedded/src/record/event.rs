//! The events of a record.

use std::sync::Arc;

/// One entry of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// 1 for the first event of this broker, and so on without gaps.
    pub sequence: u64,
    /// Number of the connection, unique for the life of the broker; 0 where none took part.
    pub connection: u64,
    /// Number of the channel; 0 for the connection itself.
    pub channel: u16,
    /// What happened.
    pub event: Event,
}

/// Something the broker saw or did. No event carries a body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A client connected; nothing was said yet.
    Connected,
    /// The handshake is done.
    Opened {
        /// The name the client gave itself.
        name: Option<Arc<str>>,
        /// Its vhost.
        vhost: Arc<str>,
    },
    /// The connection is gone, whoever ended it.
    Disconnected,
    /// A method arrived, other than publish, ack, nack and reject, which have events of their own.
    Method {
        /// As RabbitMQ writes it: `queue.declare`.
        name: &'static str,
    },
    /// A whole message arrived.
    Published {
        /// The exchange; empty for the default one.
        exchange: Arc<str>,
        /// Its routing key.
        routing_key: Arc<str>,
        /// Its message-id property.
        message_id: Option<Arc<str>>,
        /// Its publish tag; 0 outside confirm mode.
        tag: u64,
    },
    /// A queue stored the message just published.
    Stored {
        /// The queue.
        queue: Arc<str>,
        /// The message-id property.
        message_id: Option<Arc<str>>,
    },
    /// A message was returned.
    Returned {
        /// The exchange it was published to.
        exchange: Arc<str>,
        /// Its routing key.
        routing_key: Arc<str>,
        /// Its message-id property.
        message_id: Option<Arc<str>>,
    },
    /// A confirm was written.
    Confirmed {
        /// The publish tag it names.
        tag: u64,
        /// Whether it speaks for all unconfirmed tags up to that one.
        multiple: bool,
        /// Ack, or nack.
        ack: bool,
    },
    /// A message was given to a consumer, or fetched with basic.get.
    Delivered {
        /// The queue it came from.
        queue: Arc<str>,
        /// The consumer; empty for basic.get.
        consumer: Arc<str>,
        /// The delivery tag.
        tag: u64,
        /// Marked as redelivered.
        redelivered: bool,
        /// Its message-id property.
        message_id: Option<Arc<str>>,
    },
    /// An ack arrived.
    Acked {
        /// The delivery tag it names.
        tag: u64,
        /// Whether it speaks for all unsettled tags up to that one.
        multiple: bool,
    },
    /// A nack or reject arrived.
    Rejected {
        /// The delivery tag it names.
        tag: u64,
        /// Whether it speaks for all unsettled tags up to that one.
        multiple: bool,
        /// Whether the messages go back to their queue.
        requeue: bool,
    },
    /// A message left its queue unconsumed.
    DeadLettered {
        /// The queue it left.
        queue: Arc<str>,
        /// `rejected`, `expired`, `maxlen` or `delivery_limit`.
        reason: &'static str,
        /// Its message-id property.
        message_id: Option<Arc<str>>,
    },
    /// The broker closed a channel.
    ChannelClosed {
        /// The reply code.
        code: u16,
        /// The reply text.
        text: Arc<str>,
    },
    /// The broker closed a connection with a close method.
    ConnectionClosed {
        /// The reply code.
        code: u16,
        /// The reply text.
        text: Arc<str>,
    },
    /// A consumer was cancelled by the broker.
    Cancelled {
        /// Its tag.
        consumer: Arc<str>,
    },
    /// The connection is blocked: nothing is read from it.
    Blocked,
    /// The connection is read from again.
    Unblocked,
    /// A scripted fault fired.
    Fault {
        /// What it does.
        action: &'static str,
    },
    /// The broker was killed.
    Killed,
    /// The broker is up again.
    Restarted,
}
