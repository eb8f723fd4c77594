use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytestring::ByteString;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::message::Confirm;

use super::callbacks::{Call, CallbackExecutor};

/// The callbacks of one message under way: return, then confirm. A panic in one is told, and the other still runs.
///
/// A future by hand: there is one for every message sent, and written with `async` it costs an allocation more.
pub(super) struct CallbackRun<'e> {
    executor: &'e CallbackExecutor,
    now: Option<Running>,
    then: Option<Confirm>,
}

struct Running {
    callback: &'static str,
    message: ByteString,
    future: BoxFuture<'static, ()>,
}

impl<'e> CallbackRun<'e> {
    /// Calls the first callback; it runs when this is polled.
    pub(super) fn start(executor: &'e CallbackExecutor, call: Call) -> Self {
        let mut run = Self {
            executor,
            now: None,
            then: call.confirm,
        };
        if let (Some(returned), Some(on_return)) = (call.returned, &executor.callbacks.on_return) {
            let message = returned.message().properties().message_id.clone();
            run.now = run.call("return", message.unwrap_or_default(), || {
                on_return(*returned)
            });
        }
        if run.now.is_none() {
            run.confirm();
        }
        run
    }

    fn confirm(&mut self) {
        self.now = None;
        if let (Some(confirm), Some(on_confirm)) =
            (self.then.take(), &self.executor.callbacks.on_confirm)
        {
            let id = confirm.correlation().shared_id();
            self.now = self.call("confirm", id, || on_confirm(confirm));
        }
    }

    /// `None` when the call itself panicked.
    fn call(
        &self,
        callback: &'static str,
        message: ByteString,
        call: impl FnOnce() -> BoxFuture<'static, ()>,
    ) -> Option<Running> {
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok(future) => Some(Running {
                callback,
                message,
                future,
            }),
            Err(_panic) => {
                self.panicked(callback, &message);
                None
            }
        }
    }

    fn panicked(&self, callback: &str, message: &str) {
        let what = format!("the {callback} callback panicked for message {message}");
        self.executor.failed(&what);
    }
}

impl Future for CallbackRun<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(running) = &mut self.now {
            match catch_unwind(AssertUnwindSafe(|| running.future.poll_unpin(cx))) {
                Ok(polled) => ready!(polled),
                Err(_panic) => {
                    let (callback, message) = (running.callback, running.message.clone());
                    self.panicked(callback, &message);
                }
            }
            self.confirm();
        }
        Poll::Ready(())
    }
}
