//! Types without values that the compiler reasons with. A list of arguments has the state `(P, A)`: whether it has its
//! payload, and whether it has an acknowledger.

/// The argument is the message's payload (marker).
#[derive(Debug)]
pub enum ViaPayload {}

/// The argument is an extractor, a header or a component (marker).
#[derive(Debug)]
pub enum ViaExtractor {}

/// The argument is the acknowledger (marker).
#[derive(Debug)]
pub enum ViaAcknowledger {}

/// A list of arguments without a payload so far (marker).
#[derive(Debug)]
pub enum NoPayload {}

/// A list of arguments that has its payload (marker).
#[derive(Debug)]
pub enum OnePayload {}

/// A list of arguments without an acknowledger (marker).
#[derive(Debug)]
pub enum NoAcknowledger {}

/// A list of arguments with an acknowledger (marker).
#[derive(Debug)]
pub enum WithAcknowledger {}

/// Whether an argument of this kind may follow on a list in state `S`.
#[diagnostic::on_unimplemented(
    message = "a second payload: a message has one body, and an argument before this one takes it",
    label = "a second payload",
    note = "take one struct that holds both; a value from a header is marked `#[header(\"name\")]`, a component is `State<T>`"
)]
pub trait Follows<S> {
    /// The state of the list behind it.
    type Then;
}

impl<S> Follows<S> for ViaExtractor {
    type Then = S;
}

impl<A> Follows<(NoPayload, A)> for ViaPayload {
    type Then = (OnePayload, A);
}

impl<P, A> Follows<(P, A)> for ViaAcknowledger {
    type Then = (P, WithAcknowledger);
}

/// The state of a list that can settle by hand.
#[diagnostic::on_unimplemented(
    message = "in manual mode the listener settles its messages, and this one has nothing to do it with",
    label = "settled by whom?",
    note = "take an argument `acknowledger: Acknowledger`, or leave `ack` out"
)]
pub trait SettlesByHand {}

impl<P> SettlesByHand for (P, WithAcknowledger) {}

/// The state of a list that leaves settling to us.
#[diagnostic::on_unimplemented(
    message = "an `Acknowledger` settles by hand, and this mode does not",
    label = "not manual",
    note = "write `ack = \"manual\"`, or drop the `Acknowledger`"
)]
pub trait LeavesSettling {}

impl<P> LeavesSettling for (P, NoAcknowledger) {}

/// The state of a callback's list that takes its message.
#[diagnostic::on_unimplemented(
    message = "this callback does not take the message that it is told about",
    label = "takes no message",
    note = "`#[on_confirm]` takes a `Confirm`, `#[on_return]` a `ReturnedMessage`"
)]
pub trait TakesMessage {}

impl<A> TakesMessage for (OnePayload, A) {}
