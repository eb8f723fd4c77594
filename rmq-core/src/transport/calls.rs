//! Control calls: each in a task that is never dropped, racing the end of its channel and its deadline.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::time::Deadline;

use super::{Channel, CloseCause, TransportError, TransportErrorKind};

impl Channel {
    pub(super) fn ended(doing: String, cause: &CloseCause) -> TransportError {
        let kind = if cause.link {
            TransportErrorKind::ConnectionClosed(cause.code)
        } else {
            TransportErrorKind::ChannelClosed(cause.code)
        };
        TransportError {
            kind,
            doing,
            text: cause.to_string(),
        }
    }

    /// Waits for an answer, the end of the channel or the deadline, and closes the channel at the latter.
    pub(super) async fn answer<T>(
        &self,
        doing: String,
        deadline: Deadline,
        answer: impl Future<Output = Option<T>>,
    ) -> Result<T, TransportError> {
        let answered = deadline.limit(async {
            tokio::select! {
                biased;
                answer = answer => answer.ok_or(()),
                _ = self.closed() => Err(()),
            }
        });
        match answered.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(())) => match deadline.limit(self.closed()).await {
                Ok(cause) => Err(Self::ended(doing, &cause)),
                Err(_) => Err(self.missed(doing)),
            },
            Err(_) => Err(self.missed(doing)),
        }
    }

    /// An answer that comes after its deadline would be taken for the next one's: the channel is closed.
    fn missed(&self, doing: String) -> TransportError {
        let (channel, deadline) = (self.clone(), Deadline::after(self.shared().rpc_timeout));
        self.shared()
            .runtime
            .spawn(async move { channel.close(deadline).await });
        TransportError {
            kind: TransportErrorKind::Deadline,
            doing,
            text: "no answer before the deadline; the channel is closed".into(),
        }
    }

    /// One control call, in a task that is never dropped.
    pub(super) async fn call<T, F>(
        &self,
        doing: String,
        deadline: Deadline,
        call: impl FnOnce(lapin::Channel) -> F + Send + 'static,
    ) -> Result<T, TransportError>
    where
        T: Send + 'static,
        F: Future<Output = lapin::Result<T>> + Send,
    {
        let deadline = deadline.min(Deadline::after(self.shared().rpc_timeout));
        let (send, answer) = oneshot::channel();
        let lease = Arc::clone(self.lease());
        self.shared().runtime.spawn(async move {
            let _one = Arc::clone(&lease.calls).lock_owned().await;
            let Some(lapin) = lease.control.lock().channel() else {
                return;
            };
            // A deadline that passed while this waited for its turn has closed the channel.
            let result = call(lapin).await;
            // Nobody listens any more: the caller has gone, or has its error.
            let _ = send.send(result);
        });
        let answer = self
            .answer(doing.clone(), deadline, async { answer.await.ok() })
            .await?;
        match answer {
            Ok(answer) => Ok(answer),
            // lapin's errors follow the end of the channel, which says more.
            Err(error) => match self.close_cause().or_else(|| self.shared().end_cause()) {
                Some(cause) => Err(Self::ended(doing, &cause)),
                None => Err(TransportError {
                    kind: TransportErrorKind::Protocol,
                    doing,
                    text: error.to_string(),
                }),
            },
        }
    }
}
