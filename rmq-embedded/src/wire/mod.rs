//! Bytes to frames and back: framing of our own, method bodies by amq-protocol, nothing recursive before a depth check.

pub(crate) mod content;
pub(crate) mod encode;
pub(crate) mod frame;
pub(crate) mod method;
pub(crate) mod reader;
pub(crate) mod table;
