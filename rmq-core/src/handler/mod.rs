//! What a handler is: the values it takes from a delivery, and what its result does to the message.
//!
//! The attributes of `rmq-macros` expand to calls of this room's constructors. An argument's type bound stands on its
//! constructor ([`argument`], [`header`] ...), which the attribute emits at the user's own token, and nowhere else: so
//! one mistake gives one error, at the type that is wrong.

mod acknowledgement;
mod acknowledger;
mod argument;
mod argument_list;
mod callback;
mod context;
mod delivery_arguments;
mod facts;
mod failure;
mod header;
mod invoke;
mod marker;
mod outcome;
mod rejection;
mod reply;
mod state;

pub use acknowledgement::Acknowledgement;
pub use acknowledger::{AcknowledgeError, Acknowledger, ManualSettlement};
pub use argument::{Argument, ArgumentFacts, ArgumentKind};
pub use argument_list::{ArgumentList, Arguments, arguments, manual, not_manual, with_message};
pub use callback::{
    Callback, CallbackContext, CallbackErrors, CallbackFuture, CallbackInvoke, FromCallback,
    IntoCallbackResult, asynchronous_callback, blocking_callback, callback_argument,
    callback_result,
};
pub use context::{ComponentSource, HandlerContext, HandlerScope, receiver};
pub use delivery_arguments::{FromDelivery, argument};
pub use facts::{DeliveryFacts, RoutingKey};
pub use failure::{Failure, FailureKind, Fatal, HandlerError, RetryAfter};
pub use header::{FromHeader, HeaderFault, header};
pub use invoke::{Handler, Invocation, Invoke, asynchronous, blocking};
pub use marker::{
    Follows, LeavesSettling, NoAcknowledger, NoPayload, OnePayload, SettlesByHand, TakesMessage,
    ViaAcknowledger, ViaExtractor, ViaPayload, WithAcknowledger,
};
pub use outcome::{IntoOutcome, Outcome, Outcomes, outcome};
pub use rejection::{Rejection, RejectionKind};
pub use reply::{OutgoingReply, Reply};
pub use state::State;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests;
