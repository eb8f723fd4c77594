//! Bodies to values and back.
//!
//! A [`MessageConverter`] is object safe, so that a program can put its own in place, and costs nothing for JSON:
//! it is handed a [`Payload`] or a [`Target`] that already knows how to write and read each [`Form`] of its type, so
//! serde's code for JSON is compiled for the type itself. Any other format goes through `erased-serde`.

mod content;
mod convert;
mod error;
mod json;
mod payload;
mod plain;
mod redact;
mod target;

pub use content::Form;
pub use convert::{MessageConverter, decode, encode};
pub use error::ConversionError;
pub use json::JsonConverter;
pub use payload::Payload;
pub use target::Target;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests;
