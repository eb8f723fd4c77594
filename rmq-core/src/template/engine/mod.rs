//! The publishing engine: owns every message from the window to its verdict.
//!
//! One channel at a time. Submitting is synchronous once there is room: the message is appended under the gate's lock,
//! so the order on the wire is the order of submission. Verdicts come in batches on the task that reads the socket. A
//! supervisor leases channels and sends again what was pending; an alarm keeps deadlines and pauses.
//!
//! Locks, always in this order: gate, entry, slots. The reader never takes the gate.

mod alarm;
mod entry;
mod flight;
mod gate;
mod recovery;
mod settle;
mod stop;
mod submit;
mod supervisor;
mod tally;
#[cfg(test)]
mod tests;
mod window;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use bytestring::ByteString;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::observability::{PublishCounts, PublishLedger};

use super::TemplateSettings;
use super::callbacks::{CallbackExecutor, Callbacks, StartedCallbacks};
use super::channel::ChannelSource;
use super::rpc::ReplyDesk;

use alarm::Alarm;
use gate::Gate;
use window::Window;

#[cfg(test)]
pub(super) use entry::test_entry;
pub(super) use entry::{Draft, Entry};
pub(super) use window::Room;

/// See the module.
pub(super) struct Engine {
    settings: TemplateSettings,
    source: Arc<dyn ChannelSource>,
    window: Window,
    gate: Mutex<Gate>,
    alarm: Alarm,
    ledger: Arc<PublishLedger>,
    callbacks: Option<StartedCallbacks>,
    replies: Arc<ReplyDesk>,
    sequence: AtomicU64,
    /// What the supervisor should look at: the backlog, suspects, replies wanted.
    work: Notify,
    /// The channel is to be replaced.
    replace: AtomicBool,
    /// No new publish is taken.
    stopping: CancellationToken,
    /// Nothing is sent any more; everything is told.
    stopped: CancellationToken,
    /// While stopping: nothing is in flight any more.
    drained: Notify,
    /// Why there is no channel, for those whose deadline passes meanwhile.
    trouble: Mutex<ByteString>,
    /// Why the last channel was lost.
    lost: Mutex<ByteString>,
}

impl Engine {
    /// Starts an engine on the current runtime.
    pub(super) fn start(
        settings: TemplateSettings,
        source: Arc<dyn ChannelSource>,
        callbacks: Callbacks,
        ledger: Arc<PublishLedger>,
    ) -> Arc<Self> {
        let executor = CallbackExecutor::start(callbacks, settings.callbacks, Arc::clone(&ledger));
        let engine = Arc::new(Self {
            window: Window::new(settings.window_messages, settings.window_bytes),
            settings,
            source,
            gate: Mutex::default(),
            alarm: Alarm::new(),
            replies: Arc::new(ReplyDesk::new(Arc::clone(&ledger))),
            ledger,
            callbacks: executor,
            sequence: AtomicU64::new(0),
            work: Notify::new(),
            replace: AtomicBool::new(false),
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
            drained: Notify::new(),
            trouble: Mutex::new(ByteString::from_static("not connected yet")),
            lost: Mutex::default(),
        });
        tokio::spawn(supervisor::run(Arc::clone(&engine)));
        tokio::spawn(alarm::run(Arc::clone(&engine)));
        engine
    }

    pub(super) const fn settings(&self) -> &TemplateSettings {
        &self.settings
    }

    pub(super) const fn replies(&self) -> &Arc<ReplyDesk> {
        &self.replies
    }

    /// Asks for a consumer of direct reply-to on the publishing channel, from now on.
    pub(super) fn want_replies(&self) {
        if self.replies.want() {
            self.work.notify_one();
        }
    }

    pub(super) fn counts(&self) -> PublishCounts {
        self.ledger.counts()
    }

    /// Messages that hold a slot of the window, those whose deadline passed included.
    pub(super) fn window_used(&self) -> usize {
        self.window.used()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
