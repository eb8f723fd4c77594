//! What the tasks and handles of one link share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::BufMut;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::message::table;

use super::frame;
use super::leases::Leases;
use super::outbox::Outbox;
use super::pipe::ToLapin;
use super::tune::Tune;
use super::{CloseCause, Credentials, Limits, LinkSettings, LinkState};

/// Shown nowhere.
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) target: String,
    pub(super) outbox: Arc<Outbox>,
    pub(super) leases: Leases,
    pub(super) to_lapin: ToLapin,
    pub(super) limits: Limits,
    pub(super) rpc_timeout: Duration,
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) state: watch::Sender<LinkState>,
    /// `product` and `version` of the broker.
    pub(super) broker: OnceLock<(String, String)>,
    pub(super) lapin: Mutex<Option<Arc<lapin::Connection>>>,
    /// Secret updates go one at a time.
    pub(super) updates: Arc<tokio::sync::Mutex<()>>,
    asked: Tune,
    negotiated: OnceLock<Tune>,
    credentials: Mutex<Option<(String, Credentials)>>,
    secret: Mutex<Option<Secret>>,
    closing: AtomicBool,
    end: Mutex<Option<CloseCause>>,
    ending: Notify,
    draining: AtomicBool,
}

impl Shared {
    pub(super) fn new(settings: &LinkSettings) -> Arc<Self> {
        let heartbeat = settings.heartbeat;
        // Less than a second would round to "off".
        let seconds = heartbeat.as_secs() + u64::from(heartbeat.subsec_nanos() > 0);
        Arc::new(Self {
            target: settings.target.to_string(),
            outbox: Arc::new(Outbox::new()),
            leases: Leases::default(),
            to_lapin: ToLapin::default(),
            limits: settings.limits,
            rpc_timeout: settings.rpc_timeout,
            runtime: tokio::runtime::Handle::current(),
            state: watch::Sender::new(LinkState::Open),
            broker: OnceLock::new(),
            lapin: Mutex::new(None),
            updates: Arc::default(),
            asked: Tune {
                channel_max: settings.channel_max,
                frame_max: settings.frame_max,
                heartbeat: u16::try_from(seconds).unwrap_or(u16::MAX),
            },
            negotiated: OnceLock::new(),
            credentials: Mutex::new(Some((settings.name.clone(), settings.credentials.clone()))),
            secret: Mutex::new(None),
            closing: AtomicBool::new(false),
            end: Mutex::new(None),
            ending: Notify::new(),
            draining: AtomicBool::new(false),
        })
    }

    /// The broker has proposed; this is what is agreed on.
    pub(super) fn tuned(&self, theirs: Tune) -> Tune {
        let agreed = *self
            .negotiated
            .get_or_init(|| Tune::agree(self.asked, theirs));
        self.outbox
            .set_frame_max(usize::try_from(agreed.frame_max).unwrap_or(usize::MAX));
        agreed
    }

    pub(super) fn negotiated(&self) -> Option<Tune> {
        self.negotiated.get().copied()
    }

    pub(super) fn take_credentials(&self) -> Option<(String, Credentials)> {
        self.credentials.lock().take()
    }

    pub(super) fn set_secret(&self, secret: &str) {
        *self.secret.lock() = Some(Secret(secret.to_owned()));
    }

    pub(super) fn take_secret(&self) -> Option<String> {
        self.secret.lock().take().map(|secret| secret.0)
    }

    /// Ends the link. The first cause stands.
    pub(super) fn end(&self, cause: CloseCause) {
        let mut end = self.end.lock();
        if end.is_none() {
            *end = Some(cause);
            drop(end);
            self.ending.notify_one();
        }
    }

    pub(super) fn end_cause(&self) -> Option<CloseCause> {
        self.end.lock().clone()
    }

    /// Ends the link for a reason that the broker did not give; as asked for, if we are closing.
    pub(super) fn lost(&self, text: &str) {
        self.end(self.lost_cause(text));
    }

    pub(super) fn lost_cause(&self, text: &str) -> CloseCause {
        let by_us = self.closing.load(Ordering::Acquire);
        CloseCause {
            link: true,
            code: 0,
            text: if by_us { "closed".into() } else { text.into() },
            class: 0,
            method: 0,
            by_us,
        }
    }

    /// Ends the link because the conversation makes no sense, and tells the broker so.
    pub(super) fn protocol_error(&self, text: &str) {
        tracing::error!(target = %self.target, text, "closing a connection that makes no sense");
        let mut end = self.end.lock();
        // Under the lock: the broker's answer must not become the cause.
        self.outbox.append().frames(0, |out| {
            frame::method(out, 0, frame::CONNECTION_CLOSE, |out| {
                out.put_u16(501);
                table::write_short(out, text);
                out.put_u32(0);
            });
        });
        end.get_or_insert(CloseCause {
            link: true,
            code: 0,
            text: format!("protocol error: {text}").into(),
            class: 0,
            method: 0,
            by_us: false,
        });
        drop(end);
        self.ending.notify_one();
    }

    pub(super) async fn ending(&self) -> CloseCause {
        loop {
            let notified = self.ending.notified();
            if let Some(cause) = self.end_cause() {
                return cause;
            }
            notified.await;
        }
    }

    /// What ends now was asked for.
    pub(super) fn closing(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// The writer writes what waits, and stops.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        // Wakes it.
        drop(self.outbox.append());
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(super) fn close_ok_to_lapin(&self, channel: u16) {
        self.to_lapin
            .push(|out| frame::method(out, channel, frame::CHANNEL_CLOSE_OK, |_| {}));
    }

    /// Waits until everybody has been told the end.
    pub(super) async fn closed(&self) -> CloseCause {
        let mut state = self.state.subscribe();
        let closed = state
            .wait_for(|state| matches!(state, LinkState::Closed(_)))
            .await;
        match closed.as_deref() {
            Ok(LinkState::Closed(cause)) => cause.clone(),
            _ => self.lost_cause("the link has ended"),
        }
    }
}
