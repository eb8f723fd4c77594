//! Types without values that the compiler reasons with.

/// The argument is the message's payload (marker).
#[derive(Debug)]
pub enum ViaPayload {}

/// The argument is an extractor, a header or a component (marker).
#[derive(Debug)]
pub enum ViaExtractor {}

/// A list of arguments without a payload so far (marker).
#[derive(Debug)]
pub enum NoPayload {}

/// A list of arguments that has its payload (marker).
#[derive(Debug)]
pub enum OnePayload {}

/// Whether an argument of this kind may follow on a list in state `S`.
#[diagnostic::on_unimplemented(
    message = "a second payload: a message has one body, and an argument before this one has taken it",
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

impl Follows<NoPayload> for ViaPayload {
    type Then = OnePayload;
}
