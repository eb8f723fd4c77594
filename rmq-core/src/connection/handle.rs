//! The handle that everybody holds.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{broadcast, watch};

use crate::time::Deadline;
use crate::transport::PublishSink;

use super::lease::{Wanted, lease};
use super::shared::Shared;
use super::supervisor::Supervisor;
use super::{
    ChannelLease, ConnectError, ConnectionEvent, ConnectionHealth, ConnectionSettings,
    ConnectionState, OpenHook, Purpose,
};

/// A connection that is kept open for ever: one supervisor, one link at a time. Cheap to clone.
///
/// When the last handle is dropped the supervisor closes the link and ends.
#[derive(Clone)]
pub struct Connection(Arc<Handle>);

/// The supervisor has the shared part only, so this part's drop is the last handle's.
struct Handle {
    shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

impl Connection {
    /// A connection that is not started yet: [`on_open`](Self::on_open) first, then [`start`](Self::start).
    #[must_use]
    pub fn new(settings: Arc<ConnectionSettings>, purpose: Purpose) -> Self {
        Self(Arc::new(Handle {
            shared: Arc::new(Shared::new(settings, purpose)),
        }))
    }

    /// Registers work for each new link. One registered after the start runs from the next link on.
    pub fn on_open(&self, hook: Arc<dyn OpenHook>) {
        self.0.shared.hooks.write().push(hook);
    }

    /// Starts the supervisor and waits until the connection is open and its hooks are done. After that it is opened
    /// again whenever it is lost, for ever.
    ///
    /// # Cancel safety
    /// If dropped, connecting goes on.
    ///
    /// # Errors
    /// At once when the broker refuses the login or the virtual host, a hook fails for good, or no address is left that
    /// may still open (a certificate that one side does not accept rules out its own address only); at the deadline
    /// otherwise, with every address tried. The connection has then failed for good.
    pub async fn start(&self, deadline: Deadline) -> Result<(), ConnectError> {
        let shared = &self.0.shared;
        Supervisor::spawn(shared, deadline);
        let mut state = shared.state();
        let seen = state
            .wait_for(|state| {
                state.connection().is_some()
                    || matches!(state, ConnectionState::Closing)
                    || state.is_ended()
            })
            .await;
        match seen {
            Ok(state) => shared.ended(&state).map_or(Ok(()), Err),
            Err(_) => Err(shared.too_late("the supervisor had ended")),
        }
    }

    /// What it is for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.0.shared.purpose
    }

    /// Its name, as the broker's list shows it.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.shared.name()
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> &Arc<ConnectionSettings> {
        &self.0.shared.settings
    }

    /// The state, and a way to wait for the next one.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.0.shared.state()
    }

    /// Everything that happens from now on.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<ConnectionEvent> {
        self.0.shared.events()
    }

    /// A snapshot for health.
    #[must_use]
    pub fn health(&self) -> ConnectionHealth {
        let shared = &self.0.shared;
        let slot = shared.slot();
        ConnectionHealth {
            name: shared.name(),
            purpose: shared.purpose,
            state: shared.state().borrow().clone(),
            opened: shared.opened.load(Ordering::Relaxed),
            lost: shared.lost.load(Ordering::Relaxed),
            channels: slot.as_ref().map_or(0, |slot| slot.in_use()),
            channel_bound: slot.map_or(0, |slot| slot.bound),
        }
    }

    /// A plain channel: for consumers, gets and declarations. Waits, until the deadline, for a link, for the broker to
    /// take publishes again, and for a place in the bound.
    ///
    /// # Cancel safety
    /// If dropped, nothing stays behind.
    ///
    /// # Errors
    /// When the deadline passed, no channel came free, or the connection has ended.
    pub async fn lease(&self, deadline: Deadline) -> Result<ChannelLease, ConnectError> {
        lease(&self.0.shared, Wanted::Plain, deadline).await
    }

    /// A channel in confirm mode whose verdicts go to `sink`. One is enough for any number of publishes in flight.
    ///
    /// # Cancel safety
    /// If dropped, the sink may still be told that a channel without messages has closed.
    ///
    /// # Errors
    /// As [`lease`](Self::lease).
    pub async fn lease_publishing(
        &self,
        sink: Arc<dyn PublishSink>,
        deadline: Deadline,
    ) -> Result<ChannelLease, ConnectError> {
        lease(&self.0.shared, Wanted::Publishing(sink), deadline).await
    }

    /// Whether the broker takes no publishes at this moment.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.0.shared.is_blocked()
    }

    /// Waits while the broker takes no publishes. Returns at once when it does, also while there is no link.
    ///
    /// # Errors
    /// [`ConnectErrorKind::Blocked`] with the broker's reason when the deadline passed; `Closed` after the end.
    pub async fn wait_unblocked(&self, deadline: Deadline) -> Result<(), ConnectError> {
        self.0.shared.wait_unblocked(deadline).await
    }

    /// Replaces the link: it is closed, and the connection recovers as from a loss. For a publisher that has lost
    /// faith in it.
    pub fn replace(&self, generation: u64, why: &str) {
        if let Some(slot) = self.0.shared.slot()
            && slot.generation == generation
        {
            slot.retire(why.to_owned());
        }
    }

    /// Says goodbye to the broker and ends. At the deadline the socket is dropped. Never fails; a second call waits for
    /// the same end.
    pub async fn close(&self, deadline: Deadline) {
        let shared = &self.0.shared;
        shared.close_by.lock().get_or_insert(deadline);
        shared.stop.cancel();
        // Does nothing if it was started; else this one ends as soon as it begins.
        Supervisor::spawn(shared, deadline);
        let mut state = shared.state();
        // An error says that the supervisor has gone, which is the end, too.
        drop(state.wait_for(ConnectionState::is_ended).await);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("name", &self.name())
            .field("state", &self.state().borrow().as_str())
            .finish()
    }
}
