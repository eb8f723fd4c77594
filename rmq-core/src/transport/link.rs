use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use tokio::sync::watch;

use crate::time::Deadline;

use super::shared::Shared;
use super::{
    Channel, CloseCause, LinkSettings, PublishSink, TransportError, TransportErrorKind, open,
};

/// What a link is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Open, and the broker takes publishes.
    Open,
    /// Open, and the broker takes no publishes (`connection.blocked`): the reason in its words.
    Blocked(ByteString),
    /// Ended.
    Closed(CloseCause),
}

/// One connection to the broker. Cheap to clone; ends when closed, when the socket ends, or when the last clone is dropped.
#[derive(Clone)]
pub struct Link {
    last: Arc<LastClone>,
}

struct LastClone(Arc<Shared>);

/// A goodbye that nobody waits for.
const SILENT_GOODBYE: Duration = Duration::from_secs(5);

impl Drop for LastClone {
    fn drop(&mut self) {
        if self.0.end_cause().is_none() {
            let shared = Arc::clone(&self.0);
            self.0
                .runtime
                .spawn(close(shared, Deadline::after(SILENT_GOODBYE)));
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared().state.borrow();
        f.debug_struct("Link")
            .field("target", &self.shared().target)
            .field("state", &*state)
            .finish()
    }
}

impl Link {
    /// Connects, negotiates and authenticates, each within its deadline.
    ///
    /// # Cancel safety
    /// Dropping the future drops the connection.
    ///
    /// # Errors
    /// The kinds tell a wrong password, a missing virtual host, a failed certificate and "not there" apart.
    pub async fn open(settings: LinkSettings) -> Result<Self, TransportError> {
        open::open(settings).await.map(Self::of)
    }

    /// Opens a link over a socket that is open already.
    ///
    /// # Errors
    /// As [`Link::open`].
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub async fn open_over<R, W>(
        settings: LinkSettings,
        reading: R,
        writing: W,
    ) -> Result<Self, TransportError>
    where
        R: tokio::io::AsyncRead + Unpin + Send + 'static,
        W: tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        open::handshake(&settings, reading, writing)
            .await
            .map(Self::of)
    }

    pub(super) fn of(shared: Arc<Shared>) -> Self {
        let last = Arc::new(LastClone(shared));
        Self { last }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.last.0
    }

    /// The state, and a way to wait for the next one. The last is `Closed`.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.shared().state.subscribe()
    }

    /// The broker's `product` and `version`, as it said them.
    #[must_use]
    pub fn broker(&self) -> (String, String) {
        self.shared().broker.get().cloned().unwrap_or_default()
    }

    /// How many channels both sides agreed on; zero: as many as there are numbers.
    #[must_use]
    pub fn channel_max(&self) -> u16 {
        let negotiated = self.shared().negotiated();
        negotiated.map_or(0, |agreed| agreed.channel_max)
    }

    /// Opens a channel without confirms: for consumers, gets and declarations.
    ///
    /// # Errors
    /// When the link has ended, the deadline passed, or no channel number is free.
    pub async fn open_channel(&self, deadline: Deadline) -> Result<Channel, TransportError> {
        Channel::open(Arc::clone(self.shared()), None, deadline).await
    }

    /// Opens a channel in confirm mode whose verdicts go to `sink`.
    ///
    /// # Errors
    /// As [`Link::open_channel`].
    pub async fn open_publishing_channel(
        &self,
        sink: Arc<dyn PublishSink>,
        deadline: Deadline,
    ) -> Result<Channel, TransportError> {
        Channel::open(Arc::clone(self.shared()), Some(sink), deadline).await
    }

    /// Gives the broker a new secret (`connection.update-secret`).
    ///
    /// # Errors
    /// When the broker refuses it, the link has ended, or the deadline passed.
    pub async fn update_secret(
        &self,
        secret: &str,
        reason: &str,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        let shared = Arc::clone(self.shared());
        let failed = |kind, text: String| TransportError {
            kind,
            doing: format!("update the secret of the connection to {}", shared.target),
            text,
        };
        let reason = lapin::types::ShortString::try_new(reason)
            .map_err(|error| failed(TransportErrorKind::Protocol, error.to_string()))?;
        let update = {
            let (shared, secret) = (Arc::clone(&shared), secret.to_owned());
            async move {
                let _one = Arc::clone(&shared.updates).lock_owned().await;
                let Some(lapin) = shared.lapin.lock().clone() else {
                    return Ok(());
                };
                shared.set_secret(&secret);
                // lapin logs what it sends: it gets a placeholder, and the link writes the secret.
                lapin.update_secret("".into(), reason).await
            }
        };
        // In a task of its own: an update that was dropped half way would leave its secret for the next.
        let mut update = tokio::spawn(update);
        tokio::select! {
            biased;
            cause = shared.closed() => Err(failed(TransportErrorKind::ConnectionClosed(cause.code), cause.to_string())),
            done = deadline.limit(&mut update) => match done {
                Err(missed) => Err(failed(TransportErrorKind::Deadline, missed.to_string())),
                Ok(Ok(Ok(()))) => Ok(()),
                Ok(Ok(Err(error))) => Err(failed(TransportErrorKind::Protocol, error.to_string())),
                Ok(Err(error)) => Err(failed(TransportErrorKind::Protocol, error.to_string())),
            }
        }
    }

    /// Says goodbye to the broker; at the deadline the socket is dropped. Never fails.
    pub async fn close(&self, deadline: Deadline) {
        // In a task of its own: a close that was dropped half way would leave the socket open.
        let closing = tokio::spawn(close(Arc::clone(self.shared()), deadline));
        // The task does not panic; when the runtime goes, the socket goes with it.
        let _ = closing.await;
    }
}

async fn close(shared: Arc<Shared>, deadline: Deadline) {
    shared.closing();
    let lapin = shared.lapin.lock().clone();
    if let Some(lapin) = lapin {
        // Its answer ends the link; a failure means that the link is ending by itself.
        tokio::spawn(async move { drop(lapin.close(200, "OK".into()).await) });
    }
    if deadline.limit(shared.closed()).await.is_err() {
        shared.lost("closed");
        shared.closed().await;
    }
}
