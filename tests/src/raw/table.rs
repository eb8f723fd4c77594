//! Tables of arguments and headers, and tables that no client would send.

use std::fmt::Debug;

use amq_protocol::types::{AMQPValue, FieldTable, LongString};
use bytes::{BufMut, Bytes, BytesMut};

/// A text value.
#[must_use]
pub fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}

/// A whole number, as most clients send one: 32 bits, signed.
#[must_use]
pub fn number(value: i32) -> AMQPValue {
    AMQPValue::LongInt(value)
}

/// A table of these entries.
#[must_use]
pub fn table<const N: usize>(entries: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert(name.into(), value);
    }
    table
}

/// A value as a number, whatever its width.
#[must_use]
pub fn as_number(value: &AMQPValue) -> Option<i64> {
    match value {
        AMQPValue::ShortShortInt(n) => Some(i64::from(*n)),
        AMQPValue::ShortShortUInt(n) => Some(i64::from(*n)),
        AMQPValue::ShortInt(n) => Some(i64::from(*n)),
        AMQPValue::ShortUInt(n) => Some(i64::from(*n)),
        AMQPValue::LongInt(n) => Some(i64::from(*n)),
        AMQPValue::LongUInt(n) => Some(i64::from(*n)),
        AMQPValue::LongLongInt(n) => Some(*n),
        _ => None,
    }
}

/// A value as text; its Debug form where it is none.
#[must_use]
pub fn as_text(value: &AMQPValue) -> String {
    match value {
        AMQPValue::LongString(text) => text.to_string(),
        AMQPValue::ShortString(text) => text.to_string(),
        other => shown(other),
    }
}

fn shown(value: &impl Debug) -> String {
    format!("{value:?}")
}

/// The bytes of a header table with `levels` tables one inside the other, its own length first.
///
/// Made without recursion, so that the depth has no limit here.
#[must_use]
pub fn deep(levels: u32) -> Bytes {
    /// Length and letter of the name, the letter of a table, and the length of what is inside.
    const LEVEL: u32 = 7;
    let mut bytes = BytesMut::new();
    bytes.put_u32(levels * LEVEL);
    for inner in (0..levels).rev() {
        bytes.put_slice(b"\x01nF");
        bytes.put_u32(inner * LEVEL);
    }
    bytes.freeze()
}
