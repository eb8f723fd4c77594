use std::sync::Arc;

use bytestring::ByteString;

use crate::message::{Delivery, Message, Value};
use crate::name::Name;
use crate::time::Deadline;

use super::{CloseCause, DeliverySink, PublishRejected, Settlement, Stale, Token, TransportError};

/// Arguments of a declaration or a consumer, in order.
pub type Arguments = Vec<(ByteString, Value)>;

/// What the broker said about a declared queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name; the broker's choice if none was asked for.
    pub queue: Name,
    /// Messages ready.
    pub messages: u32,
    /// Consumers.
    pub consumers: u32,
}

/// A message fetched by get.
#[derive(Debug, Clone)]
pub struct Got {
    /// The message.
    pub delivery: Delivery,
    /// Messages still in the queue.
    pub remaining: u32,
}

/// What to consume, and how.
#[derive(Debug, Clone)]
pub struct ConsumeSpec {
    /// From where.
    pub queue: Name,
    /// Our name for the consumer; unique on the channel.
    pub consumer_tag: Name,
    /// Without acknowledgement.
    pub no_ack: bool,
    /// Alone on the queue.
    pub exclusive: bool,
    /// `x-priority` and the like.
    pub arguments: Arguments,
}

/// One leased channel of one generation. Cheap to clone; its number goes back when it has been closed.
///
/// Control calls run in a task that is never dropped; one that misses its deadline closes the channel.
#[derive(Debug, Clone)]
pub struct Channel {}

#[allow(
    clippy::too_many_arguments,
    reason = "the shape of the protocol's methods"
)]
impl Channel {
    /// The process-wide number of this lease: a settlement or a verdict belongs to one generation only.
    #[must_use]
    pub fn generation(&self) -> u64 {
        unimplemented!()
    }

    /// Why it ended, if it has.
    #[must_use]
    pub fn close_cause(&self) -> Option<CloseCause> {
        unimplemented!()
    }

    /// Waits until it has ended.
    pub async fn closed(&self) -> CloseCause {
        unimplemented!()
    }

    /// Takes the next tag, enters the publish into the channel's list and appends its frames, under one lock.
    /// Never waits: what is in flight is bounded by the caller's window. Large bodies leave in chunks.
    ///
    /// # Errors
    /// When the channel has ended; the sink is not told of it.
    pub fn publish(
        &self,
        exchange: &Name,
        routing_key: &Name,
        message: &Message,
        mandatory: bool,
        token: Token,
    ) -> Result<u64, PublishRejected> {
        unimplemented!()
    }

    /// Settles a delivery, once. Acks are gathered; the rest leaves at once. Never waits.
    ///
    /// # Errors
    /// [`Stale`] when the channel has ended, or the tag is settled already.
    pub fn settle(&self, tag: u64, settlement: Settlement) -> Result<(), Stale> {
        unimplemented!()
    }

    /// How many settlements were written and not yet proven by an answer of the broker behind them.
    #[must_use]
    pub fn unproven(&self) -> u64 {
        unimplemented!()
    }

    /// A round trip: when it returns, the broker has seen everything appended before it.
    ///
    /// # Errors
    /// When the channel ended or the deadline passed.
    pub async fn round_trip(&self, deadline: Deadline) -> Result<(), TransportError> {
        unimplemented!()
    }

    /// `basic.get`.
    ///
    /// # Errors
    /// When the channel ended (404: no such queue) or the deadline passed.
    pub async fn get(
        &self,
        queue: &Name,
        no_ack: bool,
        deadline: Deadline,
    ) -> Result<Option<Got>, TransportError> {
        unimplemented!()
    }

    /// `basic.qos`, per consumer: for consumers started after it.
    ///
    /// # Errors
    /// When the channel ended or the deadline passed.
    pub async fn qos(&self, prefetch: u16, deadline: Deadline) -> Result<(), TransportError> {
        unimplemented!()
    }

    /// `basic.consume`. Deliveries may reach the sink before this returns.
    ///
    /// # Errors
    /// When the channel ended (404, 403 exclusive) or the deadline passed.
    pub async fn consume(
        &self,
        spec: ConsumeSpec,
        sink: Arc<dyn DeliverySink>,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        unimplemented!()
    }

    /// `basic.cancel`. When it returns no further delivery comes.
    ///
    /// # Errors
    /// When the channel ended or the deadline passed.
    pub async fn cancel(
        &self,
        consumer_tag: &Name,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        unimplemented!()
    }

    /// `exchange.declare`; `passive` only asks.
    ///
    /// # Errors
    /// 406 when it is there and different, 404 when passive and missing, 403.
    pub async fn declare_exchange(
        &self,
        name: &Name,
        kind: &str,
        passive: bool,
        durable: bool,
        auto_delete: bool,
        internal: bool,
        arguments: Arguments,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        unimplemented!()
    }

    /// `queue.declare`; `passive` only asks.
    ///
    /// # Errors
    /// 406 when it is there and different, 404 when passive and missing, 405 when another connection owns it, 403.
    pub async fn declare_queue(
        &self,
        name: &Name,
        passive: bool,
        durable: bool,
        exclusive: bool,
        auto_delete: bool,
        arguments: Arguments,
        deadline: Deadline,
    ) -> Result<Declared, TransportError> {
        unimplemented!()
    }

    /// `queue.bind`.
    ///
    /// # Errors
    /// 404 when one end is missing.
    pub async fn bind_queue(
        &self,
        queue: &Name,
        exchange: &Name,
        routing_key: &Name,
        arguments: Arguments,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        unimplemented!()
    }

    /// `queue.unbind`.
    ///
    /// # Errors
    /// When the channel ended or the deadline passed.
    pub async fn unbind_queue(
        &self,
        queue: &Name,
        exchange: &Name,
        routing_key: &Name,
        arguments: Arguments,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        unimplemented!()
    }

    /// `exchange.bind`.
    ///
    /// # Errors
    /// 404 when one end is missing.
    pub async fn bind_exchange(
        &self,
        destination: &Name,
        source: &Name,
        routing_key: &Name,
        arguments: Arguments,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        unimplemented!()
    }

    /// `exchange.unbind`.
    ///
    /// # Errors
    /// When the channel ended or the deadline passed.
    pub async fn unbind_exchange(
        &self,
        destination: &Name,
        source: &Name,
        routing_key: &Name,
        arguments: Arguments,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        unimplemented!()
    }

    /// `exchange.delete`.
    ///
    /// # Errors
    /// 406 when `if_unused` and in use.
    pub async fn delete_exchange(
        &self,
        name: &Name,
        if_unused: bool,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        unimplemented!()
    }

    /// `queue.delete`: the number of messages that went with it.
    ///
    /// # Errors
    /// 406 when a condition does not hold.
    pub async fn delete_queue(
        &self,
        name: &Name,
        if_unused: bool,
        if_empty: bool,
        deadline: Deadline,
    ) -> Result<u32, TransportError> {
        unimplemented!()
    }

    /// `queue.purge`: the number of messages dropped.
    ///
    /// # Errors
    /// 404 when it is missing.
    pub async fn purge_queue(
        &self,
        name: &Name,
        deadline: Deadline,
    ) -> Result<u32, TransportError> {
        unimplemented!()
    }

    /// Closes it; deliveries not settled go back to the broker. At the deadline the link is dropped. Never fails.
    pub async fn close(&self, deadline: Deadline) {
        unimplemented!()
    }
}
