//! One attempt: the handler is called, on the right kind of thread, and a panic is an outcome.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt;

use crate::handler::{Handler, HandlerContext, Invocation, Invoke, Outcome, Rejection};
use crate::observability::{TraceContext, with_trace_context, with_trace_context_sync};

use super::executor::Executor;
use super::failure::{FailedDelivery, HandlerPanicked};

/// Where a handler may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the pool: the consumer holds a permit.
    Pool,
    /// Outside of it (caller-runs).
    Caller,
}

/// What an attempt came to, and the delivery back.
pub(super) type Attempted = (HandlerContext, Result<Outcome, FailedDelivery>);

/// Calls the handler once. `None` when its thread was lost; that is not expected to happen.
pub(super) async fn invoke(
    handler: &Arc<Handler>,
    context: HandlerContext,
    place: Place,
    executor: &Executor,
) -> Option<Attempted> {
    // A table over its limits reads as empty, so it must not reach a handler that would take that for the truth.
    if let Some(fault) = context.delivery().fault() {
        let failed = FailedDelivery::fatal(fault, context.attempt());
        return Some((context, Err(failed)));
    }
    let trace = TraceContext::extract(&context.message().properties().headers);
    match &handler.invoke {
        Invoke::Async(call) => {
            let attempt = asynchronous(&**call, &context);
            let result = match trace {
                Some(trace) => with_trace_context(trace, attempt).await,
                None => attempt.await,
            };
            Some((context, result))
        }
        Invoke::Blocking(_) => {
            let handler = Arc::clone(handler);
            let work = move || match trace {
                Some(trace) => with_trace_context_sync(trace, || blocking(&handler, context)),
                None => blocking(&handler, context),
            };
            match place {
                Place::Pool => executor.run_on_thread(work).await,
                Place::Caller => tokio::task::spawn_blocking(work).await.ok(),
            }
        }
    }
}

type AsyncCall = dyn Fn(&HandlerContext) -> Result<Invocation, Rejection> + Send + Sync;

async fn asynchronous(
    call: &AsyncCall,
    context: &HandlerContext,
) -> Result<Outcome, FailedDelivery> {
    let attempt = context.attempt();
    let called = catch_unwind(AssertUnwindSafe(|| call(context)));
    let panicked = |panic: Box<dyn std::any::Any + Send>| {
        FailedDelivery::fatal(HandlerPanicked::of(&*panic), attempt)
    };
    match called {
        Ok(Ok(invocation)) => AssertUnwindSafe(invocation)
            .catch_unwind()
            .await
            .map_err(panicked),
        Ok(Err(rejection)) => Err(FailedDelivery::fatal(rejection, attempt)),
        Err(panic) => Err(panicked(panic)),
    }
}

fn blocking(handler: &Handler, context: HandlerContext) -> Attempted {
    let attempt = context.attempt();
    let called = catch_unwind(AssertUnwindSafe(|| match &handler.invoke {
        Invoke::Blocking(call) => call(&context).map_err(Into::into),
        // `invoke` looked before it came here.
        Invoke::Async(_) => Err(FailedDelivery::fatal(
            "an async handler on a plain thread",
            attempt,
        )),
    }));
    let result = called
        .unwrap_or_else(|panic| Err(FailedDelivery::fatal(HandlerPanicked::of(&*panic), attempt)));
    (context, result)
}
