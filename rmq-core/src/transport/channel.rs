use std::fmt;
use std::future::Future;
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
    CloseCause, DeliverySink, PublishRejected, PublishSink, Settlement, Stale, Token,
    TransportError, TransportErrorKind,
};

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

    fn lease(&self) -> &Arc<Lease> {
        &self.last.lease
    }

    fn ended(doing: String, cause: &CloseCause) -> TransportError {
        let kind = if cause.link {
            TransportErrorKind::ConnectionClosed(cause.code)
        } else {
            TransportErrorKind::ChannelClosed(cause.code)
        };
        TransportError {
            kind,
            doing,
            text: cause.to_string(),
        }
    }

    /// Waits for an answer, the end of the channel or the deadline, and closes the channel at the latter.
    async fn answer<T>(
        &self,
        doing: String,
        deadline: Deadline,
        answer: impl Future<Output = Option<T>>,
    ) -> Result<T, TransportError> {
        let answered = deadline.limit(async {
            tokio::select! {
                biased;
                answer = answer => answer.ok_or(()),
                _ = self.closed() => Err(()),
            }
        });
        match answered.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(())) => match deadline.limit(self.closed()).await {
                Ok(cause) => Err(Self::ended(doing, &cause)),
                Err(_) => Err(self.missed(doing)),
            },
            Err(_) => Err(self.missed(doing)),
        }
    }

    /// An answer that comes after its deadline would be taken for the next one's: the channel is closed.
    fn missed(&self, doing: String) -> TransportError {
        let (channel, deadline) = (self.clone(), Deadline::after(self.last.shared.rpc_timeout));
        self.last
            .shared
            .runtime
            .spawn(async move { channel.close(deadline).await });
        TransportError {
            kind: TransportErrorKind::Deadline,
            doing,
            text: "no answer before the deadline; the channel is closed".into(),
        }
    }

    /// One control call, in a task that is never dropped.
    async fn call<T, F>(
        &self,
        doing: String,
        deadline: Deadline,
        call: impl FnOnce(lapin::Channel) -> F + Send + 'static,
    ) -> Result<T, TransportError>
    where
        T: Send + 'static,
        F: Future<Output = lapin::Result<T>> + Send,
    {
        let deadline = deadline.min(Deadline::after(self.last.shared.rpc_timeout));
        let (send, answer) = oneshot::channel();
        let lease = Arc::clone(self.lease());
        self.last.shared.runtime.spawn(async move {
            let _one = Arc::clone(&lease.calls).lock_owned().await;
            let Some(lapin) = lease.control.lock().channel() else {
                return;
            };
            // A deadline that passed while this waited for its turn has closed the channel.
            let result = call(lapin).await;
            // Nobody listens any more: the caller has gone, or has its error.
            let _ = send.send(result);
        });
        let answer = self
            .answer(doing.clone(), deadline, async { answer.await.ok() })
            .await?;
        match answer {
            Ok(answer) => Ok(answer),
            // lapin's errors follow the end of the channel, which says more.
            Err(error) => match self.close_cause().or_else(|| self.last.shared.end_cause()) {
                Some(cause) => Err(Self::ended(doing, &cause)),
                None => Err(TransportError {
                    kind: TransportErrorKind::Protocol,
                    doing,
                    text: error.to_string(),
                }),
            },
        }
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

#[allow(
    clippy::too_many_arguments,
    reason = "the shape of the protocol's methods"
)]
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
            .unwrap_or_else(|| self.last.shared.lost_cause("the channel has ended"))
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
        self.lease()
            .publish(exchange, routing_key, message, mandatory, token)
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
        let deadline = deadline.min(Deadline::after(self.last.shared.rpc_timeout));
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
        self.lease()
            .inbound
            .lock()
            .consumers
            .add(&consumer_tag, no_ack, sink);
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

    /// `basic.cancel`. When it returns no further delivery comes.
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
        let doing = format!("declare exchange `{name}`");
        let arguments = table(&arguments, &doing)?;
        let (name, kind) = (short(name), lapin::ExchangeKind::Custom(kind.to_owned()));
        let options = options::ExchangeDeclareOptions {
            passive,
            durable,
            auto_delete,
            internal,
            nowait: false,
        };
        let call = move |lapin: lapin::Channel| async move {
            lapin.exchange_declare(name, kind, options, arguments).await
        };
        self.call(doing, deadline, call).await
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
        let doing = format!("declare queue `{name}`");
        let arguments = table(&arguments, &doing)?;
        let name = short(name);
        let options = options::QueueDeclareOptions {
            passive,
            durable,
            exclusive,
            auto_delete,
            nowait: false,
        };
        let call = move |lapin: lapin::Channel| async move {
            lapin.queue_declare(name, options, arguments).await
        };
        let queue = self.call(doing, deadline, call).await?;
        Ok(Declared {
            // The broker's short string fits.
            queue: Name::try_from(queue.name().as_str()).unwrap_or_default(),
            messages: queue.message_count(),
            consumers: queue.consumer_count(),
        })
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
        let doing = format!("bind queue `{queue}` to exchange `{exchange}`");
        let arguments = table(&arguments, &doing)?;
        let (queue, exchange, key) = (short(queue), short(exchange), short(routing_key));
        let call = move |lapin: lapin::Channel| async move {
            lapin
                .queue_bind(
                    queue,
                    exchange,
                    key,
                    options::QueueBindOptions::default(),
                    arguments,
                )
                .await
        };
        self.call(doing, deadline, call).await
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
        let doing = format!("unbind queue `{queue}` from exchange `{exchange}`");
        let arguments = table(&arguments, &doing)?;
        let (queue, exchange, key) = (short(queue), short(exchange), short(routing_key));
        let call = move |lapin: lapin::Channel| async move {
            lapin.queue_unbind(queue, exchange, key, arguments).await
        };
        self.call(doing, deadline, call).await
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
        let doing = format!("bind exchange `{destination}` to exchange `{source}`");
        let arguments = table(&arguments, &doing)?;
        let (destination, source, key) = (short(destination), short(source), short(routing_key));
        let call = move |lapin: lapin::Channel| async move {
            lapin
                .exchange_bind(
                    destination,
                    source,
                    key,
                    options::ExchangeBindOptions::default(),
                    arguments,
                )
                .await
        };
        self.call(doing, deadline, call).await
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
        let doing = format!("unbind exchange `{destination}` from exchange `{source}`");
        let arguments = table(&arguments, &doing)?;
        let (destination, source, key) = (short(destination), short(source), short(routing_key));
        let call = move |lapin: lapin::Channel| async move {
            lapin
                .exchange_unbind(
                    destination,
                    source,
                    key,
                    options::ExchangeUnbindOptions::default(),
                    arguments,
                )
                .await
        };
        self.call(doing, deadline, call).await
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
        let doing = format!("delete exchange `{name}`");
        let name = short(name);
        let options = options::ExchangeDeleteOptions {
            if_unused,
            nowait: false,
        };
        let call =
            move |lapin: lapin::Channel| async move { lapin.exchange_delete(name, options).await };
        self.call(doing, deadline, call).await
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
        let doing = format!("delete queue `{name}`");
        let name = short(name);
        let options = options::QueueDeleteOptions {
            if_unused,
            if_empty,
            nowait: false,
        };
        let call =
            move |lapin: lapin::Channel| async move { lapin.queue_delete(name, options).await };
        self.call(doing, deadline, call).await
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
        let doing = format!("purge queue `{name}`");
        let name = short(name);
        let call = move |lapin: lapin::Channel| async move {
            lapin
                .queue_purge(name, options::QueuePurgeOptions::default())
                .await
        };
        self.call(doing, deadline, call).await
    }

    /// Closes it; deliveries not settled go back to the broker. At the deadline the link is dropped. Never fails.
    pub async fn close(&self, deadline: Deadline) {
        self.lease().close_control();
        if deadline.limit(self.closed()).await.is_err() {
            // Its number cannot be used again, and nobody knows what the broker has seen.
            self.last
                .shared
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
