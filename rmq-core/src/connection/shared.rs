//! What the handles of a connection and its supervisor have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::time::Deadline;

use super::slot::Slot;
use super::state::Move;
use super::{
    ConnectError, ConnectErrorKind, ConnectionEvent, ConnectionSettings, ConnectionState, OpenHook,
    Purpose,
};

/// Events a subscriber may lie behind.
const EVENTS_KEPT: usize = 64;

pub(super) struct Shared {
    pub(super) settings: Arc<ConnectionSettings>,
    pub(super) purpose: Purpose,
    pub(super) hooks: RwLock<Vec<Arc<dyn OpenHook>>>,
    pub(super) stop: CancellationToken,
    /// Whether a supervisor was ever spawned.
    pub(super) supervised: AtomicBool,
    /// Until when closing may take; the first caller says it.
    pub(super) close_by: Mutex<Option<Deadline>>,
    pub(super) opened: AtomicU64,
    pub(super) lost: AtomicU64,
    state: watch::Sender<ConnectionState>,
    /// Whether that state is `Blocked`: asked for every publish, so without a lock.
    blocked: AtomicBool,
    slot: RwLock<Option<Arc<Slot>>>,
    events: broadcast::Sender<ConnectionEvent>,
}

impl Shared {
    pub(super) fn new(settings: Arc<ConnectionSettings>, purpose: Purpose) -> Self {
        Self {
            settings,
            purpose,
            hooks: RwLock::new(Vec::new()),
            stop: CancellationToken::new(),
            supervised: AtomicBool::new(false),
            close_by: Mutex::new(None),
            opened: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            state: watch::Sender::new(ConnectionState::Idle),
            blocked: AtomicBool::new(false),
            slot: RwLock::new(None),
            events: broadcast::Sender::new(EVENTS_KEPT),
        }
    }

    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.settings.name, self.purpose)
    }

    pub(super) fn state(&self) -> watch::Receiver<ConnectionState> {
        self.state.subscribe()
    }

    pub(super) fn events(&self) -> broadcast::Receiver<ConnectionEvent> {
        self.events.subscribe()
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Acquire)
    }

    /// Moves the state, and tells everybody if it moved.
    pub(super) fn happened(&self, what: Move) -> bool {
        let event = event_of(&what);
        let moved = self.state.send_if_modified(|state| {
            let next = state.after(what);
            let moved = next.is_some();
            if let Some(next) = next {
                let blocked = matches!(next, ConnectionState::Blocked { .. });
                self.blocked.store(blocked, Ordering::Release);
                *state = next;
            }
            moved
        });
        if moved && let Some(event) = event {
            self.tell(event);
        }
        moved
    }

    /// Tells everybody something that moves no state.
    pub(super) fn tell(&self, event: ConnectionEvent) {
        // An error says that nobody listens.
        drop(self.events.send(event));
    }

    /// Gives the link out, then says that it is open.
    pub(super) fn give_out(&self, slot: Arc<Slot>) {
        self.opened.fetch_add(1, Ordering::Relaxed);
        *self.slot.write() = Some(slot);
    }

    /// Takes the link back, if one is given out.
    pub(super) fn take_back(&self) -> Option<Arc<Slot>> {
        let slot = self.slot.write().take();
        if let Some(slot) = &slot {
            slot.end();
        }
        slot
    }

    pub(super) fn slot(&self) -> Option<Arc<Slot>> {
        self.slot.read().clone()
    }

    /// The link, once the broker answers on it.
    pub(super) async fn wait_open(&self, deadline: Deadline) -> Result<Arc<Slot>, ConnectError> {
        let mut state = self.state.subscribe();
        loop {
            let seen = deadline.limit(state.wait_for(|state| {
                matches!(state, ConnectionState::Open(_) | ConnectionState::Closing)
                    || state.is_ended()
            }));
            let seen = match seen.await {
                Ok(Ok(state)) => state.clone(),
                Ok(Err(_)) | Err(_) => return Err(self.too_late("there was no open connection")),
            };
            if let Some(error) = self.ended(&seen) {
                return Err(error);
            }
            if let Some(slot) = self.slot() {
                return Ok(slot);
            }
            // Lost between the two looks: the state has changed or is about to.
            if deadline.limit(state.changed()).await.is_err() {
                return Err(self.too_late("there was no open connection"));
            }
        }
    }

    /// Waits until that link is over, or is blocked: whoever then looks again waits for what comes next.
    pub(super) async fn wait_changed(
        &self,
        slot: &Slot,
        deadline: Deadline,
    ) -> Result<(), ConnectError> {
        let mut state = self.state.subscribe();
        let changed = state.wait_for(|state| match state {
            ConnectionState::Open(open) => open.generation != slot.generation,
            _ => true,
        });
        match deadline.limit(changed).await {
            Ok(_) => Ok(()),
            Err(_) => Err(self.too_late("the connection was being replaced")),
        }
    }

    /// Waits while the broker takes no publishes.
    pub(super) async fn wait_unblocked(&self, deadline: Deadline) -> Result<(), ConnectError> {
        let mut state = self.state.subscribe();
        let open = state.wait_for(|state| !matches!(state, ConnectionState::Blocked { .. }));
        let seen = match deadline.limit(open).await {
            Ok(Ok(state)) => state.clone(),
            Ok(Err(_)) | Err(_) => {
                return Err(self.too_late("the broker still took no publishes"));
            }
        };
        self.ended(&seen).map_or(Ok(()), Err)
    }

    /// The error of one who comes after the end.
    pub(super) fn ended(&self, state: &ConnectionState) -> Option<ConnectError> {
        match state {
            ConnectionState::Closing | ConnectionState::Closed => Some(ConnectError::new(
                ConnectErrorKind::Closed,
                format!(
                    "connection `{}` was closed by this program; start a new one",
                    self.name()
                ),
            )),
            ConnectionState::Failed(error) => Some(error.clone()),
            _ => None,
        }
    }

    /// The error of one whose deadline passed, with what the connection was doing.
    pub(super) fn too_late(&self, what: &str) -> ConnectError {
        let state = self.state.borrow().clone();
        let kind = match &state {
            ConnectionState::Blocked { .. } => ConnectErrorKind::Blocked,
            _ => ConnectErrorKind::Deadline,
        };
        let doing = match &state {
            ConnectionState::Idle => "it was never started".to_owned(),
            ConnectionState::Blocked { reason, .. } => {
                format!(
                    "the broker blocks publishers ({reason}); free memory or disk on the broker"
                )
            }
            other => format!("it is {}", other.as_str()),
        };
        let sentence = format!(
            "connection `{}`: {what} when the deadline passed: {doing}",
            self.name()
        );
        ConnectError::with_attempts(
            kind,
            sentence,
            state.last_error().cloned().into_iter().collect(),
        )
    }
}

fn event_of(what: &Move) -> Option<ConnectionEvent> {
    match what {
        Move::Try | Move::Close => None,
        Move::TryFailed(error) => Some(ConnectionEvent::AttemptFailed(error.clone())),
        Move::Opened(connection) => Some(ConnectionEvent::Opened(connection.clone())),
        Move::Blocked { reason, .. } => Some(ConnectionEvent::Blocked(reason.clone())),
        Move::Unblocked => Some(ConnectionEvent::Unblocked),
        Move::Lost { cause, .. } => Some(ConnectionEvent::Lost(cause.clone())),
        Move::Closed | Move::Fail(_) => Some(ConnectionEvent::Ended),
    }
}
