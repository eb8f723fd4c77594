//! Runs `#[on_confirm]` and `#[on_return]`: on one task of their own, many at once, never on the task that reads the socket.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::message::{Confirm, ReturnedMessage};
use crate::observability::{PublishCounts, PublishLedger};
use crate::time::{Deadline, Elapsed};

use super::CallbackSettings;
use super::callback_run::CallbackRun;

/// What `#[on_confirm]` becomes.
pub type ConfirmCallback = Arc<dyn Fn(Confirm) -> BoxFuture<'static, ()> + Send + Sync>;
/// What `#[on_return]` becomes.
pub type ReturnCallback = Arc<dyn Fn(ReturnedMessage) -> BoxFuture<'static, ()> + Send + Sync>;

/// The callbacks of a configuration.
#[derive(Clone, Default)]
pub struct Callbacks {
    /// Told once for every message sent.
    pub on_confirm: Option<ConfirmCallback>,
    /// Told of every message that no queue took, before its confirm.
    pub on_return: Option<ReturnCallback>,
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks")
            .field("on_confirm", &self.on_confirm.is_some())
            .field("on_return", &self.on_return.is_some())
            .finish()
    }
}

/// The callbacks to run for one message: return, then confirm.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) returned: Option<Box<ReturnedMessage>>,
    pub(super) confirm: Option<Confirm>,
}

impl Call {
    /// `None` when there is nothing to run.
    pub(super) fn new(
        confirm: Option<Confirm>,
        returned: Option<Box<ReturnedMessage>>,
    ) -> Option<Self> {
        (confirm.is_some() || returned.is_some()).then_some(Self { returned, confirm })
    }
}

/// Which callbacks there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) confirm: bool,
    pub(super) returned: bool,
}

/// See the module.
pub(super) struct CallbackExecutor {
    pub(super) callbacks: Callbacks,
    settings: CallbackSettings,
    queue: Mutex<VecDeque<Call>>,
    /// Calls queued and under way.
    unfinished: AtomicUsize,
    queued: Notify,
    /// Told when calls have finished.
    finished: Notify,
    /// Nobody queues anything any more.
    dropped: AtomicBool,
    ledger: Arc<PublishLedger>,
}

/// An executor at work. Dropped, it runs what is queued and ends.
#[derive(Debug)]
pub(super) struct StartedCallbacks(Arc<CallbackExecutor>);

impl Deref for StartedCallbacks {
    type Target = CallbackExecutor;

    fn deref(&self) -> &CallbackExecutor {
        &self.0
    }
}

impl Drop for StartedCallbacks {
    fn drop(&mut self) {
        self.0.dropped.store(true, Ordering::Release);
        self.0.queued.notify_one();
    }
}

tokio::task_local! {
    static IN_CALLBACK: ();
}

/// Runs a callback on a thread of its own: what it publishes does not wait for callbacks, there either.
pub(crate) fn as_callback(run: impl FnOnce()) {
    IN_CALLBACK.sync_scope((), run);
}

/// Whether the code that runs now is a callback.
pub(super) fn in_callback() -> bool {
    IN_CALLBACK.try_with(|()| ()).is_ok()
}

/// Calls whose end is told to waiting publishers together.
const AT_ONCE: usize = 64;

impl CallbackExecutor {
    /// Starts the executor on the current runtime; `None`, and no cost at all, without callbacks. Its task ends when
    /// what is given here is dropped and every callback has run.
    pub(super) fn start(
        callbacks: Callbacks,
        settings: CallbackSettings,
        ledger: Arc<PublishLedger>,
    ) -> Option<StartedCallbacks> {
        if callbacks.on_confirm.is_none() && callbacks.on_return.is_none() {
            return None;
        }
        let executor = Arc::new(Self {
            callbacks,
            settings,
            queue: Mutex::default(),
            unfinished: AtomicUsize::new(0),
            queued: Notify::new(),
            finished: Notify::new(),
            dropped: AtomicBool::new(false),
            ledger,
        });
        tokio::spawn(IN_CALLBACK.scope((), Arc::clone(&executor).run()));
        Some(StartedCallbacks(executor))
    }

    pub(super) const fn wanted(&self) -> Wanted {
        Wanted {
            confirm: self.callbacks.on_confirm.is_some(),
            returned: self.callbacks.on_return.is_some(),
        }
    }

    /// Queues calls. Never waits: publishers do, in [`Self::wait_for_room`].
    pub(super) fn push(&self, calls: &mut Vec<Call>) {
        if calls.is_empty() {
            return;
        }
        self.unfinished.fetch_add(calls.len(), Ordering::AcqRel);
        self.queue.lock().extend(calls.drain(..));
        self.queued.notify_one();
    }

    /// Whether another message may be sent: its callbacks will find room.
    pub(super) fn has_room(&self) -> bool {
        self.unfinished.load(Ordering::Acquire) < self.settings.queue.max(1)
    }

    /// Waits for room until the deadline.
    pub(super) async fn wait_for_room(&self, deadline: Deadline) -> Result<(), Elapsed> {
        self.wait_until(deadline, Self::has_room).await
    }

    /// Waits until every callback has run, or the deadline.
    pub(super) async fn drain(&self, deadline: Deadline) {
        let none_left = |this: &Self| this.unfinished.load(Ordering::Acquire) == 0;
        if self.wait_until(deadline, none_left).await.is_err() {
            let left = self.unfinished.load(Ordering::Acquire);
            tracing::warn!(left, "confirm callbacks had not finished at the deadline");
        }
    }

    async fn wait_until(
        &self,
        deadline: Deadline,
        wanted: impl Fn(&Self) -> bool,
    ) -> Result<(), Elapsed> {
        loop {
            let mut finished = std::pin::pin!(self.finished.notified());
            finished.as_mut().enable();
            if wanted(self) {
                return Ok(());
            }
            deadline.limit(finished).await?;
        }
    }

    async fn run(self: Arc<Self>) {
        let mut running = FuturesUnordered::new();
        let mut calls = VecDeque::new();
        loop {
            mem::swap(&mut calls, &mut *self.queue.lock());
            if calls.is_empty() {
                if running.is_empty() && self.dropped.load(Ordering::Acquire) {
                    return;
                }
                tokio::select! {
                    () = self.queued.notified() => {}
                    Some(()) = running.next(), if !running.is_empty() => {}
                }
                continue;
            }
            let mut finished = 0;
            for call in calls.drain(..) {
                while running.len() >= self.settings.concurrency.max(1) {
                    self.finish(mem::take(&mut finished));
                    running.next().await;
                }
                let mut run = CallbackRun::start(&self, call);
                // Most callbacks only count or log: they are done with the first poll and need no place.
                let first = std::future::poll_fn(|cx| Poll::Ready(run.poll_unpin(cx))).await;
                if first.is_pending() {
                    running.push(self.limit(run));
                } else {
                    finished += 1;
                }
                if finished == AT_ONCE {
                    self.finish(mem::take(&mut finished));
                }
                // Others run when the task's share is used up.
                tokio::task::consume_budget().await;
            }
            self.finish(finished);
        }
    }

    fn finish(&self, calls: usize) {
        if calls == 0 {
            return;
        }
        self.unfinished.fetch_sub(calls, Ordering::AcqRel);
        self.finished.notify_waiters();
    }

    async fn limit(&self, mut run: CallbackRun<'_>) {
        let deadline = Deadline::after(self.settings.timeout);
        if deadline.limit(&mut run).await.is_err() {
            self.failed("a confirm callback was dropped: it took longer than its deadline");
            // A destructor of the user's may panic as well as the callback itself.
            if catch_unwind(AssertUnwindSafe(|| drop(run))).is_err() {
                tracing::error!("a confirm callback that was dropped panicked");
            }
        }
        self.finish(1);
    }

    pub(super) fn failed(&self, what: &str) {
        tracing::error!("{what}");
        let _in_flight = self.ledger.settle(&PublishCounts {
            failed_callbacks: 1,
            ..PublishCounts::default()
        });
    }
}

impl fmt::Debug for CallbackExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackExecutor")
            .field("unfinished", &self.unfinished)
            .finish_non_exhaustive()
    }
}
