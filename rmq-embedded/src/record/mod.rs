//! What the broker saw and did, in order, for tests to assert on.

mod event;
mod log;

pub use event::{Event, Recorded};
pub(crate) use log::Log;
pub use log::{Missed, Record};
