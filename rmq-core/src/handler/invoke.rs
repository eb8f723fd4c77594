use std::fmt;
use std::future::Future;

use futures_util::future::BoxFuture;

use super::{ArgumentFacts, ArgumentList, Arguments, HandlerContext, Outcome, Outcomes, Rejection};

/// A handler's attempt on its way. It owns all it needs.
pub type Invocation = BoxFuture<'static, Outcome>;

/// How a handler is called.
pub enum Invoke {
    /// An `async fn`: its arguments are taken at once, in the call; the future then runs on tokio.
    ///
    /// Both may panic where the user's code does.
    Async(Box<dyn Fn(&HandlerContext) -> Result<Invocation, Rejection> + Send + Sync>),
    /// A plain `fn`: it runs in the call, on a thread that may block. It may panic where the user's code does.
    Blocking(Box<dyn Fn(&HandlerContext) -> Result<Outcome, Rejection> + Send + Sync>),
}

impl fmt::Debug for Invoke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Async(_) => "Async",
            Self::Blocking(_) => "Blocking",
        })
    }
}

/// A listener's function, ready to be called.
#[derive(Debug)]
pub struct Handler {
    /// What it takes.
    pub arguments: Vec<ArgumentFacts>,
    /// How it is called.
    pub invoke: Invoke,
}

/// A handler of an `async fn`.
pub fn asynchronous<S, L, R, F, Fut>(
    arguments: Arguments<S, L>,
    outcome: Outcomes<R>,
    call: F,
) -> Handler
where
    L: ArgumentList<HandlerContext> + Send + Sync + 'static,
    R: 'static,
    F: Fn(L::Values) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
{
    let list = arguments.into_list();
    Handler {
        arguments: list.facts(),
        invoke: Invoke::Async(Box::new(move |context| {
            let result = call(list.extract(context)?);
            let into = outcome.0;
            Ok(Box::pin(async move { into(result.await) }))
        })),
    }
}

/// A handler of a plain `fn`.
pub fn blocking<S, L, R, F>(arguments: Arguments<S, L>, outcome: Outcomes<R>, call: F) -> Handler
where
    L: ArgumentList<HandlerContext> + Send + Sync + 'static,
    R: 'static,
    F: Fn(L::Values) -> R + Send + Sync + 'static,
{
    let list = arguments.into_list();
    Handler {
        arguments: list.facts(),
        invoke: Invoke::Blocking(Box::new(move |context| {
            Ok((outcome.0)(call(list.extract(context)?)))
        })),
    }
}
