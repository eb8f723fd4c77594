//! The headers exchange: `x-match` all, any, all-with-x, any-with-x.

use amq_protocol::types::{AMQPValue, FieldTable};

use super::arguments;
use super::exception::{Exception, Outcome};
use crate::wire::reader::Reader;
use crate::wire::table::{RawTable, RawValue};

/// Whether a message with these headers takes a binding with these arguments.
pub(crate) fn matches(arguments: &FieldTable, headers: Option<RawTable<'_>>) -> bool {
    let mode = arguments::lookup(arguments, "x-match")
        .and_then(arguments::text)
        .unwrap_or("all");
    let with_x = mode.ends_with("-with-x");
    let any = mode.starts_with("any");
    let headers = headers.unwrap_or_default();
    let mut compared = arguments
        .into_iter()
        .filter(|(key, _)| key.as_str() != "x-match" && (with_x || !key.as_str().starts_with("x-")))
        .map(|(key, wanted)| {
            headers
                .get(key.as_str())
                .is_some_and(|found| agree(wanted, found))
        });
    if any {
        compared.any(|same| same)
    } else {
        compared.all(|same| same)
    }
}

/// Refuses a binding whose `x-match` is none of the four.
pub(crate) fn check(arguments: &FieldTable) -> Outcome {
    let Some(value) = arguments::lookup(arguments, "x-match") else {
        return Ok(());
    };
    match arguments::text(value) {
        Some("all" | "any" | "all-with-x" | "any-with-x") => Ok(()),
        Some(other) => Err(Exception::precondition_failed(format!(
            "Invalid x-match field value <<\"{other}\">>; expected all, any, all-with-x, or any-with-x"
        ))),
        None => Err(Exception::precondition_failed(format!(
            "Invalid x-match field type {} (value {}); expected longstr",
            arguments::type_name(value),
            arguments::print(value)
        ))),
    }
}

/// Void in the binding asks only that the header is there.
fn agree(wanted: &AMQPValue, found: RawValue<'_>) -> bool {
    if matches!(wanted, AMQPValue::Void) {
        return true;
    }
    if let (Some(a), Some(b)) = (arguments::integer(wanted), found.as_integer()) {
        return a == b;
    }
    match wanted {
        AMQPValue::LongString(text) => found.as_long_string() == Some(text.as_bytes()),
        AMQPValue::Boolean(flag) => found.kind == b't' && (found.bytes != [0]) == *flag,
        AMQPValue::Timestamp(seconds) => {
            found.kind == b'T' && Reader(found.bytes).u64() == Ok(*seconds)
        }
        AMQPValue::Double(number) => found.kind == b'd' && found.bytes == number.to_be_bytes(),
        AMQPValue::Float(number) => found.kind == b'f' && found.bytes == number.to_be_bytes(),
        AMQPValue::ByteArray(bytes) => {
            found.kind == b'x' && found.bytes.get(4..) == Some(bytes.as_slice())
        }
        _ => false,
    }
}
