//! The grammar of all attributes: `key = value` and `key(...)`, each key once.

mod keys;
mod literal;
mod names;
mod numbers;
mod value;

pub(crate) use keys::{Keyed, Nested, parse};
pub(crate) use literal::{text, text_in};
pub(crate) use names::{Identifier, Name, Names, Text, TypePath};
pub(crate) use numbers::{Count, Flag, Interval, Number, Range};
pub(crate) use value::{Given, Value};
