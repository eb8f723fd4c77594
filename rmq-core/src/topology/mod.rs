//! Exchanges, queues and bindings as plain data, checked as a whole before anything is sent.
//!
//! A service says what it needs as [`Declarables`]: an ordered set, gathered from code, from
//! attributes and from `rabbit.yml`. [`Declarables::check`] finds every duplicate and every
//! contradiction at once and gives a [`Topology`]: the same declarations with their dead-letter
//! queues, in the order in which they are declared on each new connection.
//!
//! This room is pure: it opens no socket and reads no file.

mod arguments;
mod binding;
mod check;
mod dead_letter;
mod declarables;
mod exchange;
mod merge;
mod order;
mod place;
mod queue;
mod queue_arguments;
mod queue_check;
mod queue_wire;
mod route;
mod succession;
mod unsafe_choice;

pub use self::arguments::Arguments;
pub use self::binding::{Binding, Destination};
pub use self::dead_letter::{DeadLetter, DeadLetterStrategy};
pub use self::declarables::{Declarable, Declarables};
pub use self::exchange::{Exchange, ExchangeType};
pub use self::order::{Declaration, Topology};
pub use self::queue::{Queue, QueueType};
pub use self::queue_arguments::{LeaderLocator, Overflow};
pub use self::route::{DeadLetterRoute, KnownRoute};
pub use self::unsafe_choice::UnsafeDeclaration;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests;
