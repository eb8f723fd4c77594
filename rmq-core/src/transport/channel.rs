use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytestring::ByteString;
use lapin::options;
use tokio::sync::oneshot;

use crate::message::{Delivery, Message, Value};
use crate::name::Name;
use crate::time::Deadline;

use super::arguments::{short, table};
use super::lease::Lease;
use super::shared::Shared;
use super::{
    CloseCause, DeliverySink, PublishRejected, PublishSink, Returns, Settlement, Stale, Token,
    TransportError, TransportErrorKind,
};

/// Arguments of a declaration or a consumer, in order.
pub type Arguments = Vec<(ByteString, Value)>;

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

/// One leased channel of one generation. Cheap to clone; its number goes back when it has been closed. The last clone
/// to be dropped closes it.
///
/// Control calls run in a task that is never dropped; one that misses its deadline closes the channel.
#[derive(Clone)]
pub struct Channel {
    last: Arc<LastClone>,
}

struct LastClone {
    lease: Arc<Lease>,
    shared: Arc<Shared>,
}

impl Drop for LastClone {
    fn drop(&mut self) {
        self.lease.close_control();
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("number", &self.lease().number)
            .field("generation", &self.lease().generation)
            .field("phase", &self.lease().phase())
            .field("consumers", &self.lease().control.lock().consumers())
            .finish()
    }
}

impl Channel {
    /// Opens a channel, in confirm mode if there is a sink for verdicts.
    pub(super) async fn open(
        shared: Arc<Shared>,
        sink: Option<Arc<dyn PublishSink>>,
        deadline: Deadline,
    ) -> Result<Self, TransportError> {
        let deadline = deadline.min(Deadline::after(shared.rpc_timeout));
        let failed = |kind, text: String| TransportError {
            kind,
            doing: format!("open a channel to {}", shared.target),
            text,
        };
        let ended = |cause: CloseCause| {
            failed(
                TransportErrorKind::ConnectionClosed(cause.code),
                cause.to_string(),
            )
        };
        // Never dropped: a channel that opens after the deadline is closed again, by the last clone.
        let (answer, opened) = oneshot::channel();
        let opening = create(Arc::clone(&shared));
        shared
            .runtime
            .spawn(async move { answer.send(opening.await) });
        let channel = tokio::select! {
            biased;
            opened = deadline.limit(opened) => match opened {
                Ok(Ok(Ok(channel))) => channel,
                Ok(Ok(Err(error))) => {
                    // lapin fails when the link does, and the link knows why.
                    if shared.end_cause().is_some() {
                        return Err(ended(shared.closed().await));
                    }
                    if matches!(error.kind(), lapin::ErrorKind::ChannelsLimitReached) {
                        return Err(failed(TransportErrorKind::ChannelsExhausted, error.to_string()));
                    }
                    // A number that lapin failed to open is lost to it: this connection has had its day.
                    shared.lost(&format!("a channel could not be opened: {error}"));
                    return Err(failed(TransportErrorKind::ConnectionClosed(0), error.to_string()));
                }
                Ok(Err(_)) => return Err(failed(TransportErrorKind::ConnectionClosed(0), "the runtime is stopping".into())),
                Err(missed) => return Err(failed(TransportErrorKind::Deadline, missed.to_string())),
            },
            cause = shared.closed() => return Err(ended(cause)),
        };
        if let Some(sink) = sink {
            channel.lease().inbound.lock().publisher = Some(sink);
            let confirm = |lapin: lapin::Channel| async move {
                lapin
                    .confirm_select(options::ConfirmSelectOptions::default())
                    .await
            };
            let confirmed = channel
                .call("switch confirms on".into(), deadline, confirm)
                .await;
            if let Err(error) = confirmed {
                // Nobody has the channel: its sink has nothing to hear.
                channel.lease().inbound.lock().publisher = None;
                return Err(error);
            }
        }
        Ok(channel)
    }

    pub(super) fn lease(&self) -> &Arc<Lease> {
        &self.last.lease
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.last.shared
    }
}

async fn create(shared: Arc<Shared>) -> lapin::Result<Channel> {
    let lapin = shared.lapin.lock().clone();
    let gone = || lapin::ErrorKind::InvalidConnectionState(lapin::ConnectionState::Closed);
    let lapin = lapin.ok_or_else(gone)?.create_channel().await?;
    // It was registered when lapin's `channel.open` was cut.
    let lease = shared.leases.get(lapin.id()).ok_or_else(gone)?;
    lease.attach(lapin);
    let last = Arc::new(LastClone { lease, shared });
    Ok(Channel { last })
}

impl Channel {
    /// The process-wide number of this lease: a settlement or a verdict belongs to one generation only.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.lease().generation
    }

    /// Why it ended, if it has.
    #[must_use]
    pub fn close_cause(&self) -> Option<CloseCause> {
        self.lease().cause()
    }

    /// Waits until it has ended.
    pub async fn closed(&self) -> CloseCause {
        let mut ended = self.lease().ended();
        let cause = ended
            .wait_for(Option::is_some)
            .await
            .map(|cause| cause.clone());
        // The lease outlives this handle: its sender is there.
        cause
            .ok()
            .flatten()
            .unwrap_or_else(|| self.shared().lost_cause("the channel has ended"))
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
        returns: impl Into<Returns>,
        token: Token,
    ) -> Result<u64, PublishRejected> {
        self.lease()
            .publish(exchange, routing_key, message, returns.into(), token)
    }

    /// Settles a delivery, once. Acks are gathered; the rest leaves at once. Never waits.
    ///
    /// # Errors
    /// [`Stale`] when the channel has ended, or the tag is settled already.
    pub fn settle(&self, tag: u64, settlement: Settlement) -> Result<(), Stale> {
        self.lease().settle(tag, settlement)
    }

    /// How many settlements were written and not yet proven by an answer of the broker behind them.
    #[must_use]
    pub fn unproven(&self) -> u64 {
        self.lease().unproven()
    }

    /// A round trip: when it returns, the broker has seen everything appended before it.
    ///
    /// # Errors
    /// When the channel ended or the deadline passed.
    pub async fn round_trip(&self, deadline: Deadline) -> Result<(), TransportError> {
        self.send_qos(
            self.lease().prefetch.load(Ordering::Relaxed),
            "make a round trip".into(),
            deadline,
        )
        .await
    }

    /// `basic.get`.
    ///
    /// # Cancel safety
    /// The message of a get whose future was dropped goes back to its queue; with `no_ack` the broker has forgotten it.
    ///
    /// # Errors
    /// When the channel ended (404: no such queue) or the deadline passed.
    pub async fn get(
        &self,
        queue: &Name,
        no_ack: bool,
        deadline: Deadline,
    ) -> Result<Option<Got>, TransportError> {
        let doing = format!("get a message from queue `{queue}`");
        let deadline = deadline.min(Deadline::after(self.shared().rpc_timeout));
        let answer = self.lease().get(queue, no_ack);
        let answer = async {
            match answer {
                Some(answer) => answer.await.ok(),
                None => None,
            }
        };
        self.answer(doing, deadline, answer).await
    }

    /// `basic.qos`, per consumer: for consumers started after it.
    ///
    /// # Errors
    /// When the channel ended or the deadline passed.
    pub async fn qos(&self, prefetch: u16, deadline: Deadline) -> Result<(), TransportError> {
        self.send_qos(
            prefetch,
            format!("set the prefetch to {prefetch}"),
            deadline,
        )
        .await?;
        self.lease().prefetch.store(prefetch, Ordering::Relaxed);
        Ok(())
    }

    /// `basic.consume`. Deliveries may reach the sink before this returns. When it fails, the channel has ended or is
    /// about to, and the sink is told.
    ///
    /// # Errors
    /// When the channel ended (404, 403 exclusive) or the deadline passed.
    pub async fn consume(
        &self,
        spec: ConsumeSpec,
        sink: Arc<dyn DeliverySink>,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        let doing = format!("consume from queue `{}`", spec.queue);
        let ConsumeSpec {
            queue,
            consumer_tag,
            no_ack,
            exclusive,
            arguments,
        } = spec;
        let arguments = table(&arguments, &doing)?;
        // First: deliveries may come before the answer.
        let origin = self.lease().origin(consumer_tag.clone().into());
        self.lease()
            .inbound
            .lock()
            .consumers
            .add(origin, no_ack, sink);
        let lease = Arc::clone(self.lease());
        let tag = consumer_tag.clone();
        let options = options::BasicConsumeOptions {
            no_local: false,
            no_ack,
            exclusive,
            nowait: false,
        };
        let call = move |lapin: lapin::Channel| async move {
            let consumer = lapin
                .basic_consume(short(&queue), short(&tag), options, arguments)
                .await?;
            lease.control.lock().keep(tag, consumer);
            Ok(())
        };
        self.call(doing, deadline, call).await
    }

    /// `basic.cancel`. When it returns no further delivery comes; one that the broker sends all the same goes back to its
    /// queue, or, without acknowledgement, to the sink.
    ///
    /// # Errors
    /// When the channel ended or the deadline passed.
    pub async fn cancel(
        &self,
        consumer_tag: &Name,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        let doing = format!("cancel consumer `{consumer_tag}`");
        let (lease, tag) = (Arc::clone(self.lease()), consumer_tag.clone());
        let call = move |lapin: lapin::Channel| async move {
            lapin
                .basic_cancel(short(&tag), options::BasicCancelOptions::default())
                .await?;
            lease.control.lock().drop_consumer(&tag);
            Ok(())
        };
        self.call(doing, deadline, call).await
    }

    /// Closes it; deliveries not settled go back to the broker. At the deadline the link is dropped. Never fails.
    pub async fn close(&self, deadline: Deadline) {
        self.lease().close_control();
        if deadline.limit(self.closed()).await.is_err() {
            // Its number cannot be used again, and nobody knows what the broker has seen.
            self.shared()
                .lost("a channel did not close before its deadline");
        }
    }

    /// How many publishes wait for a verdict.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.lease().in_flight()
    }

    async fn send_qos(
        &self,
        prefetch: u16,
        doing: String,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        let call = move |lapin: lapin::Channel| async move {
            lapin
                .basic_qos(prefetch, options::BasicQosOptions::default())
                .await
        };
        self.call(doing, deadline, call).await
    }
}
