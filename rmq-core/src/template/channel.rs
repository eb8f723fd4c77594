//! The two doors to the rooms below: where channels come from, and a channel one can publish on. Tests have their own.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::connection::{ChannelLease, ConnectError, Connection};
use crate::message::Message;
use crate::name::Name;
use crate::time::Deadline;
use crate::transport::{
    ConsumeSpec, DeliverySink, PublishRejected, PublishSink, Returns, Token, TransportError,
};

/// The queue of direct reply-to: consuming from it makes the channel able to receive replies.
pub(super) const REPLY_QUEUE: Name = Name::from_static("amq.rabbitmq.reply-to");

/// A channel in confirm mode, on loan. Dropping it closes it.
pub(super) trait PublishChannel: fmt::Debug + Send + Sync + 'static {
    /// Appends one publish. Never waits.
    fn publish(
        &self,
        exchange: &Name,
        routing_key: &Name,
        message: &Message,
        returns: Returns,
        token: Token,
    ) -> Result<u64, PublishRejected>;

    /// Starts the one consumer that a publishing channel may have: that of direct reply-to.
    fn consume_replies(
        &self,
        consumer_tag: Name,
        sink: Arc<dyn DeliverySink>,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<(), TransportError>>;

    /// Closes it; its sink is told of what had no verdict.
    fn close(&self, deadline: Deadline) -> BoxFuture<'_, ()>;
}

/// A channel and the link it belongs to.
#[derive(Debug)]
pub(super) struct Leased {
    pub(super) channel: Arc<dyn PublishChannel>,
    /// Counts the links of the connection, from 1.
    pub(super) link: u64,
}

/// Where publishing channels come from.
pub(super) trait ChannelSource: fmt::Debug + Send + Sync + 'static {
    /// A channel whose verdicts go to `sink`. Waits for a link until the deadline.
    fn lease(
        &self,
        sink: Arc<dyn PublishSink>,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Leased, ConnectError>>;

    /// Whether the broker takes no publishes.
    fn is_blocked(&self) -> bool;

    /// Waits while the broker takes no publishes; an error at the deadline and after the end.
    fn wait_unblocked(&self, deadline: Deadline) -> BoxFuture<'_, Result<(), ConnectError>>;
}

impl PublishChannel for ChannelLease {
    fn publish(
        &self,
        exchange: &Name,
        routing_key: &Name,
        message: &Message,
        returns: Returns,
        token: Token,
    ) -> Result<u64, PublishRejected> {
        (**self).publish(exchange, routing_key, message, returns, token)
    }

    fn consume_replies(
        &self,
        consumer_tag: Name,
        sink: Arc<dyn DeliverySink>,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<(), TransportError>> {
        let spec = ConsumeSpec {
            queue: REPLY_QUEUE,
            consumer_tag,
            no_ack: true,
            exclusive: false,
            arguments: Vec::new(),
        };
        Box::pin((**self).consume(spec, sink, deadline))
    }

    fn close(&self, deadline: Deadline) -> BoxFuture<'_, ()> {
        Box::pin((**self).close(deadline))
    }
}

impl ChannelSource for Connection {
    fn lease(
        &self,
        sink: Arc<dyn PublishSink>,
        deadline: Deadline,
    ) -> BoxFuture<'_, Result<Leased, ConnectError>> {
        Box::pin(async move {
            let lease = self.lease_publishing(sink, deadline).await?;
            let link = lease.connection_generation();
            Ok(Leased {
                channel: Arc::new(lease),
                link,
            })
        })
    }

    fn is_blocked(&self) -> bool {
        Self::is_blocked(self)
    }

    fn wait_unblocked(&self, deadline: Deadline) -> BoxFuture<'_, Result<(), ConnectError>> {
        Box::pin(Self::wait_unblocked(self, deadline))
    }
}
