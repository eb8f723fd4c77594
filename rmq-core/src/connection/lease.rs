//! Channels on loan.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

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
            drop(self.slot.close_in_background(channel, permit));
        }
    }

    /// Closes the channel and waits until it is closed, at most until the deadline. After it the close goes on in the
    /// background; a broker that does not answer it within `close-timeout` costs the link.
    ///
    /// # Cancel safety
    /// If dropped, the close goes on in the background.
    pub async fn close(mut self, deadline: Deadline) {
        if let Some(Idle { channel, permit }) = self.held.take() {
            let closing = self.slot.close_in_background(channel, permit);
            // A late end is the background's, and a runtime that shuts down takes the socket with it.
            drop(deadline.limit(closing).await);
        }
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

/// How long until the next look for a free channel number.
const NUMBER_COMES_FREE: Duration = Duration::from_millis(10);

/// Pauses before the next look for a free channel number: one comes free a moment after its channel has closed, and nothing
/// says when.
pub(crate) async fn before_the_next_number(deadline: Deadline) {
    let pause = Deadline::after(NUMBER_COMES_FREE).min(deadline);
    tokio::time::sleep_until(pause.instant()).await;
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
            shared.wait_changed(&slot, deadline).await?;
            continue;
        };
        match open(&slot, permit, wanted.clone(), deadline).await {
            Opened::Lease(lease) => return Ok(lease),
            Opened::TooLate => {
                return Err(shared.too_late("the broker had not opened a channel"));
            }
            Opened::Failed(error) => after_failure(shared, &slot, &error, deadline).await?,
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
        Err(TryAcquireError::NoPermits) => {}
    }
    // Idle channels must not keep anybody out: neither one that is idle now, nor one given back later.
    let _waits = slot.waits();
    if let Some(Idle { channel, permit }) = slot.take_idle() {
        drop(slot.close_in_background(channel, permit));
    }
    let checkout = slot.settings.checkout_timeout;
    let wait = deadline.min(Deadline::after_or_never(checkout));
    match wait.limit(Arc::clone(&slot.permits).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(Some(permit)),
        Ok(Err(_closed)) => Ok(None),
        Err(_elapsed) => Err(no_channel(shared, slot)),
    }
}

enum Opened {
    Lease(ChannelLease),
    Failed(TransportError),
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
            Err(error) => {
                drop(permit);
                Opened::Failed(error)
            }
        };
        // When nobody listens any more, the lease in here is dropped and closes its channel.
        drop(tell.send(opened));
    });
    match deadline.limit(told).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(_)) | Err(_) => Opened::TooLate,
    }
}

/// Waits until it makes sense to try again, or says that it never came to that.
async fn after_failure(
    shared: &Shared,
    slot: &Slot,
    error: &TransportError,
    deadline: Deadline,
) -> Result<(), ConnectError> {
    if error.kind == TransportErrorKind::ChannelsExhausted && slot.in_use() > 0 {
        before_the_next_number(deadline).await;
        return if deadline.has_passed() {
            Err(no_channel(shared, slot))
        } else {
            Ok(())
        };
    }
    if slot.is_answering() {
        // Its channel number is lost to the control plane.
        slot.retire(format!("a channel could not be opened: {error}"));
    }
    shared.wait_changed(slot, deadline).await
}

fn no_channel(shared: &Shared, slot: &Slot) -> ConnectError {
    let sentence = format!(
        "no channel of connection `{}` came free in time: all {} are in use (`cache.channel.size`, \
         `cache.channel.checkout-timeout`, `requested-channel-max` bound them)",
        shared.name(),
        slot.bound
    );
    ConnectError::new(ConnectErrorKind::NoChannel, sentence)
}
