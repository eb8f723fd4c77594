//! The bounded pool that every listener of a configuration shares.
//!
//! A place in the pool is a [`Permit`]: whoever holds one runs a handler. An async handler runs in its consumer's own
//! task, a plain function on one of the pool's named threads; both need a permit, so that at most `max-size` run
//! at once. Who finds no place waits in line; the line is served in the order of arrival, and a consumer stands in
//! it with one delivery at most, so that a busy listener cannot starve a quiet one.

mod gate;
mod settings;
mod threads;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::oneshot;

use self::gate::{Entry, Gate};
use self::threads::Threads;

pub use self::settings::{ExecutorSettings, RejectionPolicy};

/// What the pool decided about one delivery.
#[derive(Debug)]
pub(crate) enum Admission {
    /// There is a place: run the handler and keep the permit until it is done.
    Granted(Permit),
    /// There is none, and the caller is to run the handler itself.
    CallerRuns,
    /// There is none, and the delivery goes back.
    Refused,
}

/// The pool. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Executor(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    settings: ExecutorSettings,
    gate: parking_lot::Mutex<Gate>,
    /// How many stand in line; read without the lock between two messages.
    waiting: AtomicUsize,
    threads: Threads,
}

impl Executor {
    /// A pool without any thread: each is started when a plain function needs it first.
    pub(crate) fn new(settings: ExecutorSettings) -> Self {
        let threads = Threads::new(
            settings.thread_name_prefix.clone(),
            settings.max_size.max(settings.core_size),
        );
        Self(Arc::new(Pool {
            gate: parking_lot::Mutex::new(Gate::default()),
            waiting: AtomicUsize::new(0),
            threads,
            settings,
        }))
    }

    /// How it was set up.
    pub(crate) fn settings(&self) -> &ExecutorSettings {
        &self.0.settings
    }

    /// Whether somebody waits for a place: the sign for a consumer to give its permit back between two messages.
    pub(crate) fn is_contended(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed) > 0
    }

    /// Handlers running with a permit, and deliveries that wait for one.
    #[cfg(test)]
    pub(crate) fn load(&self) -> (usize, usize) {
        let gate = self.0.gate.lock();
        (gate.running(), gate.waiting())
    }

    /// Asks for a place, and waits in line where the pool says so.
    ///
    /// # Cancel safety
    /// Dropped while it waits, it leaves the line; a place it had just been given goes to the next.
    pub(crate) async fn admit(&self) -> Admission {
        let entry = {
            let mut gate = self.0.gate.lock();
            let entry = gate.enter(&self.0.settings);
            self.0.waiting.store(gate.waiting(), Ordering::Relaxed);
            entry
        };
        match entry {
            Entry::Place => Admission::Granted(Permit(Arc::clone(&self.0))),
            Entry::Line(turn) => {
                let mut line = InLine {
                    turn,
                    pool: &self.0,
                };
                // The gate lives as long as `self`, so the turn always comes.
                match (&mut line.turn).await {
                    Ok(()) => Admission::Granted(Permit(Arc::clone(&self.0))),
                    Err(_) => Admission::CallerRuns,
                }
            }
            Entry::Full => match self.0.settings.rejection {
                RejectionPolicy::CallerRuns => Admission::CallerRuns,
                RejectionPolicy::Abort => Admission::Refused,
            },
        }
    }

    /// Runs a plain function on one of the named threads. The caller holds a permit meanwhile.
    ///
    /// `None` when it panicked: the caller catches panics inside `work` where it wants their cause.
    pub(crate) async fn run_on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (done, result) = oneshot::channel();
        let job: threads::Job = Box::new(move || {
            // Nobody listens any more only when the consumer was stopped at its deadline.
            let _ = done.send(work());
        });
        if let Err((job, cause)) = self.0.threads.submit(job) {
            tracing::error!(%cause, "the listener pool could not start a thread; a runtime thread runs the handler");
            return match tokio::task::spawn_blocking(job).await {
                Ok(()) => result.await.ok(),
                Err(_) => None,
            };
        }
        result.await.ok()
    }
}

impl Pool {
    fn release(&self) {
        let mut gate = self.gate.lock();
        gate.leave();
        self.waiting.store(gate.waiting(), Ordering::Relaxed);
    }
}

/// A place in line; leaves it when dropped.
struct InLine<'p> {
    turn: oneshot::Receiver<()>,
    pool: &'p Arc<Pool>,
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if self.turn.is_terminated() {
            return;
        }
        self.turn.close();
        if self.turn.try_recv().is_ok() {
            self.pool.release();
        } else {
            let mut gate = self.pool.gate.lock();
            gate.forget_who_left();
            self.pool.waiting.store(gate.waiting(), Ordering::Relaxed);
        }
    }
}

/// A place in the pool, until dropped.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Pool>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.release();
    }
}

#[cfg(test)]
mod tests;
