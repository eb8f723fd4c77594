//! Declares what a program needs, asks and deletes by hand, and explains what the broker refuses.
//!
//! The topology of a program is declared on each new link before anybody else may use it. What is there and different
//! is told with both values; nothing is ever deleted to make room.

mod blame;
mod declare;
mod error;
mod explain;
mod rabbit_admin;
mod topology_hook;

pub use error::{AdminError, AdminErrorKind, DeclarationError};
pub use explain::Difference;
pub use rabbit_admin::{QueueInfo, RabbitAdmin};
