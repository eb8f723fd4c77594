//! The pool's own named threads, for plain functions. Started when needed, at most one for each place in the pool.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;

/// A plain function, ready to run.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// Ends its threads when dropped, each after the job it runs.
pub(super) struct Threads {
    shared: Arc<Shared>,
    prefix: String,
    max: usize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    idle: usize,
    started: usize,
    closed: bool,
}

impl Threads {
    pub(super) fn new(prefix: String, max: usize) -> Self {
        Self {
            shared: Arc::default(),
            prefix,
            max,
        }
    }

    /// Queues a job and sees to it that a thread takes it. Bounded by the permits: each job's caller holds one.
    ///
    /// Gives the job back when the operating system has no thread for it and none is running.
    pub(super) fn submit(&self, job: Job) -> Result<(), (Job, io::Error)> {
        let mut state = self.shared.state.lock();
        state.jobs.push_back(job);
        if state.jobs.len() > state.idle && state.started < self.max {
            let number = state.started + 1;
            if let Err(cause) = self.start(number) {
                // With at least one thread alive the job is run, only later.
                if state.started == 0
                    && let Some(job) = state.jobs.pop_back()
                {
                    return Err((job, cause));
                }
                tracing::warn!(%cause, "the listener pool could not start another thread");
            } else {
                state.started = number;
            }
        }
        drop(state);
        self.shared.work.notify_one();
        Ok(())
    }

    fn start(&self, number: usize) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        // Inside the runtime's context a plain function may spawn, or block on a future.
        let runtime = Handle::try_current().ok();
        thread::Builder::new()
            .name(format!("{}{number}", self.prefix))
            .spawn(move || {
                let _context = runtime.as_ref().map(Handle::enter);
                shared.serve();
            })?;
        Ok(())
    }
}

impl Shared {
    fn serve(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                // The job reports its own panic to its consumer; the thread lives on.
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = self.state.lock();
            } else if state.closed {
                return;
            } else {
                state.idle += 1;
                self.work.wait(&mut state);
                state.idle -= 1;
            }
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.work.notify_all();
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state.lock();
        f.debug_struct("Threads")
            .field("prefix", &self.prefix)
            .field("started", &state.started)
            .field("idle", &state.idle)
            .finish_non_exhaustive()
    }
}
