//! Runs reader and writer, and when one of them ends, ends the link and tells everybody.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};

use super::shared::Shared;
use super::{CloseCause, LinkState, reader, writer};

/// How long the last frames (our answer to the broker's close, say) may take.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// How long lapin may take to see that its connection is closed.
const LAST_READ: Duration = Duration::from_secs(1);

/// Starts the tasks of a link.
pub(super) fn start<R, W>(shared: &Arc<Shared>, reading: R, writing: W)
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let reader = tokio::spawn(reader::read(Arc::clone(shared), reading));
    let writer = tokio::spawn(writer::write(Arc::clone(shared), writing));
    tokio::spawn(supervise(Arc::clone(shared), reader, writer));
}

/// Tells everybody the end, also when the runtime is stopped under the link, and the supervisor with it.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        let shared = &self.0;
        shared.end(shared.lost_cause("the runtime is stopping"));
        let Some(cause) = shared.end_cause() else {
            return;
        };
        tracing::debug!(target = %shared.target, %cause, "link ended");
        for lease in shared.leases.close() {
            lease.end(&cause);
            lease.close_control();
        }
        end_pipe(PipeEnd(Arc::clone(shared)), cause.by_us);
        shared.state.send_replace(LinkState::Closed(cause));
        drop(shared.lapin.lock().take());
    }
}

/// Ends lapin's stream when dropped.
struct PipeEnd(Arc<Shared>);

impl Drop for PipeEnd {
    fn drop(&mut self) {
        self.0.to_lapin.end();
    }
}

/// After a close of ours lapin leaves by itself once it has read the broker's close-ok. The end of the stream before
/// that would be a fault to it, and every ordinary stop would log errors.
fn end_pipe(pipe: PipeEnd, by_us: bool) {
    if by_us && let Ok(runtime) = Handle::try_current() {
        // A runtime that stops drops the task, and so ends the pipe.
        runtime.spawn(async move {
            let left = pipe.0.to_lapin.left();
            drop(tokio::time::timeout(LAST_READ, left).await);
        });
    }
}

async fn supervise(
    shared: Arc<Shared>,
    mut reader: JoinHandle<CloseCause>,
    mut writer: JoinHandle<CloseCause>,
) {
    let _ending = Ending(Arc::clone(&shared));
    let cause = tokio::select! {
        biased;
        cause = shared.ending() => cause,
        ended = &mut reader => ended_by("reader", ended, &shared),
        ended = &mut writer => ended_by("writer", ended, &shared),
    };
    shared.end(cause);
    stopped(reader, async {}).await;
    shared.drain();
    stopped(writer, tokio::time::sleep(LAST_WRITE)).await;
}

/// Waits for a task to be really over: until then it may tell sinks. Aborts it after `grace`.
async fn stopped(mut task: JoinHandle<CloseCause>, grace: impl Future<Output = ()>) {
    if task.is_finished() {
        return;
    }
    tokio::select! {
        _ = &mut task => return,
        () = grace => task.abort(),
    }
    let _ = task.await;
}

/// A panic in a task is a lost link like any other.
fn ended_by(task: &str, ended: Result<CloseCause, JoinError>, shared: &Shared) -> CloseCause {
    ended.unwrap_or_else(|error| {
        tracing::error!(target = %shared.target, task, %error, "a task of the link panicked");
        let mut cause = shared.lost_cause("");
        cause.text = format!("the link's {task} panicked").into();
        cause
    })
}
