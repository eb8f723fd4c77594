//! Declarations, all of them, whatever becomes of each: layer by layer, and within a layer over several channels.
//!
//! The broker works a channel off in order and answers each declaration before the next one, so a large topology on one
//! channel waits for a round trip, and a quorum queue's election, each time.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytestring::ByteString;
use futures_util::future::join_all;
use parking_lot::Mutex;

use crate::connection::{ChannelLease, Connection, NewLink, before_the_next_number};
use crate::message::Value;
use crate::name::{Name, NameTooLong};
use crate::time::Deadline;
use crate::topology::{Arguments, Binding, Declaration, Destination, Exchange, Queue};
use crate::transport::{Channel, TransportError, TransportErrorKind};

use super::blame::{Failed, ends_link, told};
use super::error::{AdminErrorKind, DeclarationError};

/// So many channels declare at once at most ...
const LANES: usize = 16;
/// ... and one more is opened for each so many declarations of a layer.
const PER_LANE: usize = 8;

/// Where channels for declaring come from: a link that nobody else has yet, or a lease.
pub(super) trait Channels: Sync {
    /// A fresh channel.
    fn fresh(&self) -> impl Future<Output = Result<Channel, TransportError>> + Send;

    /// How many channels there may be at once.
    fn lanes(&self) -> usize;

    /// The deadline of one call that begins now.
    fn call_deadline(&self) -> Deadline;

    /// One declaration more is done, well or not.
    fn progressed(&self) {}
}

/// Channels of a new link.
pub(super) struct OfLink<'l> {
    pub(super) link: &'l NewLink,
    /// Counts declarations, so that those who wait see that they do not wait in vain.
    pub(super) progress: &'l AtomicU64,
}

impl Channels for OfLink<'_> {
    async fn fresh(&self) -> Result<Channel, TransportError> {
        let deadline = self.link.call_deadline();
        loop {
            match self.link.open_channel(deadline).await {
                Err(error)
                    if error.kind == TransportErrorKind::ChannelsExhausted
                        && self.usable() > 0
                        && !deadline.has_passed() =>
                {
                    before_the_next_number(deadline).await;
                }
                opened => return opened,
            }
        }
    }

    fn lanes(&self) -> usize {
        // Nobody else is on the link yet. A number whose channel has failed comes free a moment later: half are spare.
        (self.usable() / 2).clamp(1, LANES)
    }

    fn call_deadline(&self) -> Deadline {
        self.link.call_deadline()
    }

    fn progressed(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }
}

impl OfLink<'_> {
    /// How many channels there can be: channel 0, the connection's, counts among those agreed on.
    fn usable(&self) -> usize {
        match self.link.channel_max() {
            0 => usize::from(u16::MAX),
            agreed => usize::from(agreed) - 1,
        }
    }
}

/// Channels leased from a connection under one deadline.
pub(super) struct OfConnection<'c> {
    pub(super) connection: &'c Connection,
    pub(super) deadline: Deadline,
    /// The one that is declared on: a lease that is dropped closes its channel.
    pub(super) held: Mutex<Option<ChannelLease>>,
}

impl Channels for OfConnection<'_> {
    async fn fresh(&self) -> Result<Channel, TransportError> {
        // The one lane wants another channel because this one has failed: its place in the bound comes free.
        drop(self.held.lock().take());
        let lease = self.connection.lease(self.deadline).await;
        let lease = lease.map_err(|error| TransportError {
            kind: TransportErrorKind::Unreachable,
            doing: "lease a channel".to_owned(),
            text: error.to_string(),
        })?;
        let channel = Channel::clone(&lease);
        *self.held.lock() = Some(lease);
        Ok(channel)
    }

    /// Others lease from the same connection, and their channels are counted.
    fn lanes(&self) -> usize {
        1
    }

    fn call_deadline(&self) -> Deadline {
        self.deadline
    }
}

/// Declares all of it, one layer behind the other. Gives what failed, in the order of the declarations.
pub(super) async fn declare_all(
    channels: &impl Channels,
    layers: &[Vec<Declaration<'_>>],
) -> Vec<DeclarationError> {
    let mut lanes: Vec<Option<Channel>> = Vec::new();
    let mut failed = Vec::new();
    for layer in layers {
        let run = Run {
            layer,
            next: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        };
        let many = layer.len().div_ceil(PER_LANE).min(channels.lanes());
        if lanes.len() < many {
            lanes.resize_with(many, || None);
        }
        let running = lanes.iter_mut().take(many);
        let done = join_all(running.map(|lane| run.lane(channels, lane))).await;
        failed.extend(told(done.into_iter().flatten().collect()));
        if run.ended.into_inner() {
            break;
        }
    }
    let open = lanes.into_iter().flatten();
    join_all(open.map(|channel| async move { channel.close(Deadline::after(GOODBYE)).await }))
        .await;
    failed
}

/// How long closing a channel may take.
const GOODBYE: Duration = Duration::from_secs(5);

/// One layer on its way.
struct Run<'r> {
    layer: &'r [Declaration<'r>],
    next: AtomicUsize,
    /// The link is lost.
    ended: AtomicBool,
}

impl<'r> Run<'r> {
    /// Takes one declaration after the other. Each failure closes its channel, so what follows gets a fresh one; a lost
    /// link ends it all.
    async fn lane(&self, channels: &impl Channels, lane: &mut Option<Channel>) -> Vec<Failed<'r>> {
        let mut failed = Vec::new();
        while !self.ended.load(Ordering::Relaxed) {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(&declaration) = self.layer.get(at) else {
                break;
            };
            let current = match lane.take().filter(|open| open.close_cause().is_none()) {
                Some(open) => Ok(open),
                None => channels.fresh().await,
            };
            let sent = current.is_ok();
            let result = match current {
                Ok(open) => {
                    let result = declare(&open, declaration, channels.call_deadline()).await;
                    *lane = Some(open);
                    result
                }
                Err(error) => Err(error),
            };
            channels.progressed();
            let Err(error) = result else { continue };
            if ends_link(&error) {
                self.ended.store(true, Ordering::Relaxed);
            }
            failed.push(Failed {
                at,
                declaration,
                error,
                sent,
            });
        }
        failed
    }
}

async fn declare(
    channel: &Channel,
    declaration: Declaration<'_>,
    deadline: Deadline,
) -> Result<(), TransportError> {
    match declaration {
        Declaration::Exchange(exchange) => declare_exchange(channel, exchange, deadline).await,
        Declaration::Queue(queue) => declare_queue(channel, queue, deadline).await,
        Declaration::Binding(binding) => bind(channel, binding, deadline).await,
    }
}

async fn declare_exchange(
    channel: &Channel,
    exchange: &Exchange,
    deadline: Deadline,
) -> Result<(), TransportError> {
    channel
        .declare_exchange(
            &name(exchange.name())?,
            exchange.kind().as_str(),
            false,
            exchange.is_durable(),
            exchange.is_auto_delete(),
            exchange.is_internal(),
            wire(&exchange.arguments()),
            deadline,
        )
        .await
}

async fn declare_queue(
    channel: &Channel,
    queue: &Queue,
    deadline: Deadline,
) -> Result<(), TransportError> {
    let name = name(queue.name())?;
    let declared = channel.declare_queue(
        &name,
        false,
        queue.is_durable(),
        queue.is_exclusive(),
        queue.is_auto_delete(),
        wire(&queue.arguments()),
        deadline,
    );
    declared.await.map(drop)
}

async fn bind(
    channel: &Channel,
    binding: &Binding,
    deadline: Deadline,
) -> Result<(), TransportError> {
    let source = name(binding.source())?;
    let key = name(binding.routing_key())?;
    let to = name(binding.destination().name())?;
    let arguments = wire(binding.arguments());
    match binding.destination() {
        Destination::Queue(_) => {
            let bound = channel.bind_queue(&to, &source, &key, arguments, deadline);
            bound.await
        }
        Destination::Exchange(_) => {
            let bound = channel.bind_exchange(&to, &source, &key, arguments, deadline);
            bound.await
        }
    }
}

/// A name as it travels. [`Declarables::check`](crate::topology::Declarables::check) has refused longer ones.
fn name(text: &str) -> Result<Name, TransportError> {
    Name::try_from(text).map_err(|error: NameTooLong| TransportError {
        kind: TransportErrorKind::Protocol,
        doing: "declare".to_owned(),
        text: error.to_string(),
    })
}

/// Arguments as the transport takes them.
pub(super) fn wire(arguments: &Arguments) -> Vec<(ByteString, Value)> {
    arguments
        .iter()
        .map(|(name, value)| (ByteString::from(name), value.clone()))
        .collect()
}

/// Whether trying again cannot help while nobody changes anything.
pub(super) fn is_permanent(failed: &[DeclarationError]) -> bool {
    failed.iter().any(|failure| !failure.kind.is_transient())
}

/// Refuses exclusive queues on a connection that does not consume.
pub(super) fn exclusive_refused(queue: &Queue) -> DeclarationError {
    DeclarationError {
        kind: AdminErrorKind::Invalid,
        subject: format!("queue `{}`", queue.name()),
        place: queue.place().clone(),
        difference: None,
        sentence: format!(
            "queue `{}` is exclusive: it would belong to the admin connection, where nobody can consume from it",
            queue.name()
        ),
        fix: "make it part of the topology, which the consuming connection declares".to_owned(),
    }
}
