//! From the properties of rabbit.yml to the settings that each room asks for.

mod executor;
mod listener;
mod template;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests;

pub(super) use executor::executor_settings;
pub(super) use listener::{DecidedListener, decided_listener};
pub(super) use template::template_settings;
