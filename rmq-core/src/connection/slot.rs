//! One open link while it is given out: its channels are counted here.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::time::Deadline;
use crate::transport::{Channel, Link, LinkState};

use super::credentials::HeldLogin;
use super::{ConnectionSettings, Purpose};

/// The most channels a link can have: channel numbers are 16 bits, and 0 is the connection's.
const MOST_CHANNELS: usize = u16::MAX as usize;

/// A channel nobody uses, and its place in the bound.
#[derive(Debug)]
pub(super) struct Idle {
    pub(super) channel: Channel,
    pub(super) permit: OwnedSemaphorePermit,
}

/// Channels for the next one who needs a plain one.
#[derive(Debug, Default)]
struct Idles {
    channels: Vec<Idle>,
    /// How many wait for a place in the bound: no channel is kept from them.
    waiting: usize,
}

/// Somebody waits for a place in the bound.
#[derive(Debug)]
pub(super) struct Waits<'s>(&'s Slot);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.idle.lock().waiting -= 1;
    }
}

/// One link of one generation. Everything leased from it dies with it.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) link: Link,
    pub(super) generation: u64,
    /// The login it was opened with, where a provider gave it.
    pub(super) login: Option<HeldLogin>,
    pub(super) settings: Arc<ConnectionSettings>,
    /// Where closing a dropped lease runs.
    pub(super) runtime: Handle,
    pub(super) bound: usize,
    pub(super) permits: Arc<Semaphore>,
    idle: Mutex<Idles>,
    retired: CancellationToken,
    retired_for: OnceLock<String>,
}

impl Slot {
    pub(super) fn new(
        link: Link,
        generation: u64,
        login: Option<HeldLogin>,
        purpose: Purpose,
        settings: Arc<ConnectionSettings>,
    ) -> Self {
        let bound = bound(purpose, &settings, link.channel_max());
        Self {
            link,
            generation,
            login,
            settings,
            runtime: Handle::current(),
            bound,
            permits: Arc::new(Semaphore::new(bound)),
            idle: Mutex::default(),
            retired: CancellationToken::new(),
            retired_for: OnceLock::new(),
        }
    }

    /// Whether the link itself still works and answers.
    pub(super) fn is_answering(&self) -> bool {
        matches!(*self.link.state().borrow(), LinkState::Open)
    }

    /// Asks the supervisor to replace the link.
    pub(super) fn retire(&self, why: String) {
        // The first reason stands.
        drop(self.retired_for.set(why));
        self.retired.cancel();
    }

    /// Waits until somebody asks for the link to be replaced, and says why.
    pub(super) async fn retired(&self) -> String {
        self.retired.cancelled().await;
        self.retired_for.get().cloned().unwrap_or_default()
    }

    /// The link has ended: whoever waits for a channel of it waits for the next generation instead.
    pub(super) fn end(&self) {
        self.permits.close();
        self.idle.lock().channels.clear();
    }

    /// An idle channel that still lives.
    pub(super) fn take_idle(&self) -> Option<Idle> {
        let mut idle = self.idle.lock();
        loop {
            let candidate = idle.channels.pop()?;
            if candidate.channel.close_cause().is_none() {
                return Some(candidate);
            }
        }
    }

    /// While what this gives lives, channels that are given back are closed, and their places are free.
    pub(super) fn waits(&self) -> Waits<'_> {
        self.idle.lock().waiting += 1;
        Waits(self)
    }

    /// Keeps a channel for the next one who needs a plain one, or gives it back for closing.
    pub(super) fn keep_idle(&self, candidate: Idle) -> Option<Idle> {
        let mut idle = self.idle.lock();
        if idle.waiting > 0
            || idle.channels.len() >= self.settings.channel_cache
            || self.permits.is_closed()
            || candidate.channel.close_cause().is_some()
        {
            return Some(candidate);
        }
        idle.channels.push(candidate);
        None
    }

    /// Closes a channel in the background; its place in the bound is free once it is closed.
    ///
    /// A broker that blocks publishers answers nothing, and a close without an answer costs the link: so it waits for
    /// the end of that.
    pub(super) fn close_in_background(
        &self,
        channel: Channel,
        permit: OwnedSemaphorePermit,
    ) -> JoinHandle<()> {
        let mut state = self.link.state();
        let timeout = self.settings.close_timeout;
        self.runtime.spawn(async move {
            let answering = |state: &LinkState| !matches!(state, LinkState::Blocked(_));
            // An error says that the link has gone, and the channel with it.
            drop(state.wait_for(answering).await);
            channel.close(Deadline::after(timeout)).await;
            drop(permit);
        })
    }

    /// Channels in use, idle ones not counted.
    pub(super) fn in_use(&self) -> usize {
        let taken = self.bound.saturating_sub(self.permits.available_permits());
        taken.saturating_sub(self.idle.lock().channels.len())
    }
}

/// With a checkout timeout the cache size is a hard bound, as in Spring; but never for consumers, which hold theirs.
/// The control plane counts channel 0 as one of those agreed on.
fn bound(purpose: Purpose, settings: &ConnectionSettings, agreed: u16) -> usize {
    let most = match agreed {
        0 => MOST_CHANNELS,
        agreed => usize::from(agreed.saturating_sub(1)).max(1),
    };
    let consumers = matches!(purpose, Purpose::Consuming | Purpose::Unacknowledged);
    if settings.checkout_timeout.is_zero() || consumers {
        most
    } else {
        settings.channel_cache.clamp(1, most)
    }
}
