//! Channels on loan.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, TryAcquireError, oneshot};

use crate::time::Deadline;
use crate::transport::{Channel, PublishSink, TransportError, TransportErrorKind};

use super::shared::Shared;
use super::slot::{Idle, Slot};
use super::{ConnectError, ConnectErrorKind};

/// A channel on loan, of one link only: when that link ends the lease is dead, and nothing it did can be taken up
/// on another. Dropping it closes the channel in the background; deliveries not settled go back to the broker.
///
/// It is a [`Channel`] by `Deref`. A clone of that channel does not outlive the lease's close.
pub struct ChannelLease {
    held: Option<Idle>,
    slot: Arc<Slot>,
    reusable: bool,
}

impl ChannelLease {
    fn new(slot: Arc<Slot>, held: Idle, reusable: bool) -> Self {
        Self {
            held: Some(held),
            slot,
            reusable,
        }
    }

    /// The generation of the connection it belongs to.
    #[must_use]
    pub fn connection_generation(&self) -> u64 {
        self.slot.generation
    }

    /// Gives it back for others to use. Only for a plain channel on which nothing is unsettled and nobody consumes;
    /// any other is closed.
    pub fn give_back(mut self) {
        let Some(held) = self.held.take() else { return };
        let left = if self.reusable {
            self.slot.keep_idle(held)
        } else {
            Some(held)
        };
        if let Some(Idle { channel, permit }) = left {
            self.slot.close_in_background(channel, permit);
        }
    }

    /// Closes the channel and waits until it is closed, at most until the deadline.
    ///
    /// # Cancel safety
    /// If dropped, the close goes on in the background.
    pub async fn close(mut self, deadline: Deadline) {
        let Some(Idle { channel, permit }) = self.held.take() else {
            return;
        };
        let closing = self.slot.runtime.spawn(async move {
            channel.close(deadline).await;
            drop(permit);
        });
        // An error here is a runtime that is shutting down; the socket goes with it.
        drop(closing.await);
    }
}

impl Deref for ChannelLease {
    type Target = Channel;

    #[allow(
        clippy::expect_used,
        reason = "`held` is taken only by methods that take the lease itself"
    )]
    fn deref(&self) -> &Channel {
        &self
            .held
            .as_ref()
            .expect("a lease holds its channel")
            .channel
    }
}

impl fmt::Debug for ChannelLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelLease")
            .field("connection_generation", &self.slot.generation)
            .finish_non_exhaustive()
    }
}

impl Drop for ChannelLease {
    fn drop(&mut self) {
        if let Some(Idle { channel, permit }) = self.held.take() {
            self.slot.close_in_background(channel, permit);
        }
    }
}

/// What a lease is for.
#[derive(Clone)]
pub(super) enum Wanted {
    Plain,
    Publishing(Arc<dyn PublishSink>),
}

/// Leases a channel: waits for a link, for a place in the bound, and for the broker, all under one deadline.
pub(super) async fn lease(
    shared: &Shared,
    wanted: Wanted,
    deadline: Deadline,
) -> Result<ChannelLease, ConnectError> {
    loop {
        let slot = shared.wait_open(deadline).await?;
        if matches!(wanted, Wanted::Plain)
            && let Some(idle) = slot.take_idle()
        {
            return Ok(ChannelLease::new(slot, idle, true));
        }
        let Some(permit) = permit(shared, &slot, deadline).await? else {
            shared.wait_other_than(slot.generation, deadline).await?;
            continue;
        };
        match open(&slot, permit, wanted.clone(), deadline).await {
            Opened::Lease(lease) => return Ok(lease),
            Opened::TooLate => {
                return Err(shared.too_late("the broker had not opened a channel"));
            }
            Opened::Failed(error, permit) => {
                if replaces_link(&slot, &error, permit) {
                    slot.retire(format!("a channel could not be opened: {error}"));
                    shared.wait_other_than(slot.generation, deadline).await?;
                }
            }
        }
    }
}

/// A place in the bound; `None` when the link has ended meanwhile.
async fn permit(
    shared: &Shared,
    slot: &Arc<Slot>,
    deadline: Deadline,
) -> Result<Option<OwnedSemaphorePermit>, ConnectError> {
    match Arc::clone(&slot.permits).try_acquire_owned() {
        Ok(permit) => return Ok(Some(permit)),
        Err(TryAcquireError::Closed) => return Ok(None),
        // Idle channels must not keep out those who need another kind.
        Err(TryAcquireError::NoPermits) => {
            if let Some(Idle { channel, permit }) = slot.take_idle() {
                slot.close_in_background(channel, permit);
            }
        }
    }
    let checkout = slot.settings.checkout_timeout;
    let wait = deadline.min(Deadline::after_or_never(checkout));
    match wait.limit(Arc::clone(&slot.permits).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(Some(permit)),
        Ok(Err(_closed)) => Ok(None),
        Err(_elapsed) => Err(ConnectError::new(
            ConnectErrorKind::NoChannel,
            format!(
                "no channel of connection `{}` came free in time: all {} are in use (`cache.channel.size`, \
                 `cache.channel.checkout-timeout`, `requested-channel-max` bound them)",
                shared.name(),
                slot.bound
            ),
        )),
    }
}

enum Opened {
    Lease(ChannelLease),
    Failed(TransportError, OwnedSemaphorePermit),
    TooLate,
}

/// Opens the channel in a task of its own, so that a caller who goes away or runs out of time loses no channel number:
/// the late channel is closed.
async fn open(
    slot: &Arc<Slot>,
    permit: OwnedSemaphorePermit,
    wanted: Wanted,
    deadline: Deadline,
) -> Opened {
    let (tell, told) = oneshot::channel();
    let task_slot = Arc::clone(slot);
    slot.runtime.spawn(async move {
        let rpc = Deadline::after_or_never(task_slot.settings.rpc_timeout);
        let (result, reusable) = match wanted {
            Wanted::Plain => (task_slot.link.open_channel(rpc).await, true),
            Wanted::Publishing(sink) => (
                task_slot.link.open_publishing_channel(sink, rpc).await,
                false,
            ),
        };
        let opened = match result {
            Ok(channel) => Opened::Lease(ChannelLease::new(
                task_slot,
                Idle { channel, permit },
                reusable,
            )),
            Err(error) => Opened::Failed(error, permit),
        };
        // When nobody listens any more, the lease in here is dropped and closes its channel.
        drop(tell.send(opened));
    });
    match deadline.limit(told).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(_)) | Err(_) => Opened::TooLate,
    }
}

/// Whether a failed open means that the link must go. On a live link it does: channel numbers are lost to it.
fn replaces_link(slot: &Slot, error: &TransportError, permit: OwnedSemaphorePermit) -> bool {
    let others = slot.in_use() > 1;
    if error.kind == TransportErrorKind::ChannelsExhausted && others {
        // The broker allows fewer than we asked for: the bound learns it.
        permit.forget();
        return false;
    }
    slot.is_answering()
}
