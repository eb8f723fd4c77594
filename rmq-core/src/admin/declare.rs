//! Declarations sent one after another, all of them, whatever becomes of each.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytestring::ByteString;

use crate::connection::{ChannelLease, Connection, NewLink};
use crate::error::Place;
use crate::message::Value;
use crate::name::{Name, NameTooLong};
use crate::time::Deadline;
use crate::topology::{Arguments, Binding, Declaration, Destination, Exchange, Queue};
use crate::transport::{Channel, TransportError, TransportErrorKind};

use super::error::{AdminErrorKind, DeclarationError};
use super::explain::explain;

/// Where channels for declaring come from: a link that nobody else has yet, or a lease.
pub(super) trait Channels: Send {
    /// A fresh channel.
    fn fresh(&mut self) -> impl Future<Output = Result<Channel, TransportError>> + Send;

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
    async fn fresh(&mut self) -> Result<Channel, TransportError> {
        self.link.open_channel(self.link.call_deadline()).await
    }

    fn call_deadline(&self) -> Deadline {
        self.link.call_deadline()
    }

    fn progressed(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }
}

/// Channels leased from a connection under one deadline.
pub(super) struct OfConnection<'c> {
    pub(super) connection: &'c Connection,
    pub(super) deadline: Deadline,
    pub(super) held: Option<ChannelLease>,
}

impl Channels for OfConnection<'_> {
    async fn fresh(&mut self) -> Result<Channel, TransportError> {
        let lease = self.connection.lease(self.deadline).await;
        let lease = lease.map_err(|error| TransportError {
            kind: TransportErrorKind::Unreachable,
            doing: "lease a channel".to_owned(),
            text: error.to_string(),
        })?;
        let channel = Channel::clone(&lease);
        self.held = Some(lease);
        Ok(channel)
    }

    fn call_deadline(&self) -> Deadline {
        self.deadline
    }
}

/// Declares all of it in order. Each failure closes its channel, so what follows gets a fresh one; a lost link ends it.
pub(super) async fn declare_all(
    channels: &mut impl Channels,
    declarations: &[Declaration<'_>],
) -> Vec<DeclarationError> {
    let mut failed = Vec::new();
    let mut channel: Option<Channel> = None;
    for declaration in declarations {
        let current = match channel.take().filter(|open| open.close_cause().is_none()) {
            Some(open) => Ok(open),
            None => channels.fresh().await,
        };
        let result = match current {
            Ok(open) => {
                let result = declare(&open, *declaration, channels.call_deadline()).await;
                channel = Some(open);
                result
            }
            Err(error) => Err(error),
        };
        channels.progressed();
        let Err(error) = result else { continue };
        let (subject, place) = subject(*declaration);
        let unusable = ends_link(&error);
        failed.push(explain(subject, place.clone(), &error));
        if unusable {
            break;
        }
    }
    if let Some(channel) = channel {
        channel.close(Deadline::after(Duration::from_secs(5))).await;
    }
    failed
}

/// Whether nothing more can be declared on this link. The broker answers some mistakes, such as an unknown type of
/// exchange, by closing the connection.
fn ends_link(error: &TransportError) -> bool {
    !matches!(error.kind, TransportErrorKind::ChannelClosed(_))
}

/// What is declared and where it was written.
fn subject(declaration: Declaration<'_>) -> (String, &Place) {
    match declaration {
        Declaration::Exchange(exchange) => {
            (format!("exchange `{}`", exchange.name()), exchange.place())
        }
        Declaration::Queue(queue) => (format!("queue `{}`", queue.name()), queue.place()),
        Declaration::Binding(binding) => (binding.to_string(), binding.place()),
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
