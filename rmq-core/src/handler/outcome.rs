use std::fmt;

use serde::Serialize;

use super::{Acknowledgement, Failure, HandlerError, OutgoingReply, Reply};

/// What one attempt of a handler came to. The listener makes the message's fate of it.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one lives at a time; a box would cost each reply an allocation"
)]
pub enum Outcome {
    /// Success, or a settlement said outright.
    Settled(Acknowledgement),
    /// Success with an answer: acknowledged once the answer is confirmed.
    Reply(OutgoingReply),
    /// The attempt failed.
    Failed(Failure),
}

/// What a listener can return.
#[diagnostic::on_unimplemented(
    message = "a listener cannot return `{Self}`",
    label = "not a listener's result",
    note = "return `()`, `Acknowledgement`, `Reply<T>` with `T: serde::Serialize + Send + 'static`, or a `Result` of one of these with any error: an answer is written `Reply::new(value)`"
)]
pub trait IntoOutcome {
    /// What it comes to.
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        Outcome::Settled(Acknowledgement::Ack)
    }
}

impl IntoOutcome for Acknowledgement {
    fn into_outcome(self) -> Outcome {
        Outcome::Settled(self)
    }
}

impl<T: Serialize + Send + 'static> IntoOutcome for Reply<T> {
    fn into_outcome(self) -> Outcome {
        Outcome::Reply(self.into())
    }
}

impl<R: IntoOutcome, E: HandlerError> IntoOutcome for Result<R, E> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(result) => result.into_outcome(),
            Err(error) => Outcome::Failed(Failure::of(error.into_box())),
        }
    }
}

/// How a result of type `R` becomes an outcome. It has no bound on purpose: see the module's text.
pub struct Outcomes<R>(pub(super) fn(R) -> Outcome);

/// The outcome of results of type `R`.
#[must_use]
pub const fn outcome<R: IntoOutcome>() -> Outcomes<R> {
    Outcomes(R::into_outcome)
}

impl<R> fmt::Debug for Outcomes<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outcomes<{}>", std::any::type_name::<R>())
    }
}
