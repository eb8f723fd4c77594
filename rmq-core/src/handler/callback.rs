use std::any::type_name;
use std::cell::Cell;
use std::fmt;
use std::future::Future;

use futures_util::future::BoxFuture;

use super::{
    Argument, ArgumentFacts, ArgumentKind, ArgumentList, Arguments, ComponentSource, HandlerError,
    Rejection, State, ViaExtractor, ViaPayload,
};
use crate::component::{ComponentType, Components};
use crate::error::BoxError;

/// A callback's run.
pub type CallbackFuture = BoxFuture<'static, ()>;

/// One call of a callback with message `M` (`Confirm` or `ReturnedMessage`).
pub struct CallbackContext<M> {
    message: Cell<Option<M>>,
    components: Components,
}

impl<M> CallbackContext<M> {
    const fn new(message: M, components: Components) -> Self {
        Self {
            message: Cell::new(Some(message)),
            components,
        }
    }
}

impl<M> fmt::Debug for CallbackContext<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackContext").finish_non_exhaustive()
    }
}

impl<M> ComponentSource for CallbackContext<M> {
    fn components(&self) -> &Components {
        &self.components
    }
}

/// What a callback with message `M` can take: the message, once, and components.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of this callback",
    label = "neither `{M}` nor `State<T>`",
    note = "`#[on_confirm]` takes the `Confirm`, `#[on_return]` the `ReturnedMessage`; besides it a callback takes `State<T>` with `T: Send + Sync`"
)]
pub trait FromCallback<M, Via>: Sized {
    /// Takes it.
    ///
    /// # Errors
    /// When there is no such component.
    fn from_callback(
        argument: &'static str,
        context: &CallbackContext<M>,
    ) -> Result<Self, Rejection>;

    /// What it is.
    fn kind() -> ArgumentKind;
}

#[diagnostic::do_not_recommend]
impl<M> FromCallback<M, ViaPayload> for M {
    fn from_callback(
        argument: &'static str,
        context: &CallbackContext<M>,
    ) -> Result<Self, Rejection> {
        let message = context.message.take();
        message.ok_or_else(|| Rejection::message_taken(argument))
    }

    fn kind() -> ArgumentKind {
        ArgumentKind::Part {
            type_name: type_name::<M>(),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<M, T: Send + Sync + 'static> FromCallback<M, ViaExtractor> for State<T> {
    fn from_callback(
        argument: &'static str,
        context: &CallbackContext<M>,
    ) -> Result<Self, Rejection> {
        State::from_source(argument, context)
    }

    fn kind() -> ArgumentKind {
        ArgumentKind::Component(ComponentType::of::<T>())
    }
}

/// An argument of a callback.
#[must_use]
pub const fn callback_argument<M, T: FromCallback<M, Via>, Via>(
    name: &'static str,
) -> Argument<T, Via, CallbackContext<M>> {
    Argument::new(
        name,
        "",
        |argument, context| T::from_callback(argument.name, context),
        |_| T::kind(),
    )
}

/// What a callback can return.
#[diagnostic::on_unimplemented(
    message = "a callback cannot return `{Self}`",
    label = "not a callback's result",
    note = "return `()`, or `Result<(), E>` with any error, which is then logged"
)]
pub trait IntoCallbackResult {
    /// Its error, if it has one.
    ///
    /// # Errors
    /// The callback's own.
    fn into_callback_result(self) -> Result<(), BoxError>;
}

impl IntoCallbackResult for () {
    fn into_callback_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: HandlerError> IntoCallbackResult for Result<(), E> {
    fn into_callback_result(self) -> Result<(), BoxError> {
        self.map_err(E::into_box)
    }
}

/// How a result of type `R` becomes a callback's. It has no bound on purpose: see the module's text.
pub struct CallbackResults<R>(fn(R) -> Result<(), BoxError>);

impl<R> fmt::Debug for CallbackResults<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallbackResults<{}>", type_name::<R>())
    }
}

/// The result of callbacks that return `R`.
#[must_use]
pub const fn callback_result<R: IntoCallbackResult>() -> CallbackResults<R> {
    CallbackResults(R::into_callback_result)
}

/// Where the error of a callback goes: it changes no message's fate.
#[derive(Debug, Clone, Copy)]
pub struct CallbackErrors {
    /// The callback's function.
    pub function: &'static str,
    /// Takes the function and its error.
    pub report: fn(&'static str, &dyn fmt::Display),
}

impl CallbackErrors {
    fn of(self, result: Result<(), BoxError>) {
        if let Err(error) = result {
            (self.report)(self.function, &error);
        }
    }
}

/// How a callback is called. Both may panic where the user's code does.
pub enum CallbackInvoke<M> {
    /// An `async fn`.
    Async(Box<dyn Fn(M, Components, CallbackErrors) -> CallbackFuture + Send + Sync>),
    /// A plain `fn`: it may block, so it belongs on a thread that may.
    Blocking(Box<dyn Fn(M, Components, CallbackErrors) + Send + Sync>),
}

impl<M> fmt::Debug for CallbackInvoke<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Async(_) => "Async",
            Self::Blocking(_) => "Blocking",
        })
    }
}

/// A callback, ready to be called.
#[derive(Debug)]
pub struct Callback<M> {
    /// What it takes.
    pub arguments: Vec<ArgumentFacts>,
    /// How it is called.
    pub invoke: CallbackInvoke<M>,
}

/// A callback of an `async fn`.
pub fn asynchronous_callback<M, S, L, R, F, Fut>(
    arguments: Arguments<S, L>,
    result: CallbackResults<R>,
    call: F,
) -> Callback<M>
where
    M: 'static,
    L: ArgumentList<CallbackContext<M>> + Send + Sync + 'static,
    R: 'static,
    F: Fn(L::Values) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
{
    let list = arguments.into_list();
    Callback {
        arguments: list.facts(),
        invoke: CallbackInvoke::Async(Box::new(move |message, components, errors| {
            let values = list.extract(&CallbackContext::new(message, components));
            let running = values.map(&call);
            let into = result.0;
            // One allocation for each message sent, and no other on its way through here.
            Box::pin(async move {
                match running {
                    Ok(running) => errors.of(into(running.await)),
                    Err(rejection) => (errors.report)(errors.function, &rejection),
                }
            })
        })),
    }
}

/// A callback of a plain `fn`.
pub fn blocking_callback<M, S, L, R, F>(
    arguments: Arguments<S, L>,
    result: CallbackResults<R>,
    call: F,
) -> Callback<M>
where
    M: 'static,
    L: ArgumentList<CallbackContext<M>> + Send + Sync + 'static,
    R: 'static,
    F: Fn(L::Values) -> R + Send + Sync + 'static,
{
    let list = arguments.into_list();
    Callback {
        arguments: list.facts(),
        invoke: CallbackInvoke::Blocking(Box::new(move |message, components, errors| {
            match list.extract(&CallbackContext::new(message, components)) {
                Ok(values) => errors.of((result.0)(call(values))),
                Err(rejection) => (errors.report)(errors.function, &rejection),
            }
        })),
    }
}
