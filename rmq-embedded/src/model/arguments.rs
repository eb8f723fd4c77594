//! Argument tables: lookups, RabbitMQ's names for types, and the 406 for arguments that differ.

use amq_protocol::types::{AMQPValue, FieldTable};

use super::exception::{Exception, Outcome};

/// An integer of any width.
pub(crate) fn integer(value: &AMQPValue) -> Option<i64> {
    match value {
        AMQPValue::ShortShortInt(v) => Some(i64::from(*v)),
        AMQPValue::ShortShortUInt(v) => Some(i64::from(*v)),
        AMQPValue::ShortInt(v) => Some(i64::from(*v)),
        AMQPValue::ShortUInt(v) => Some(i64::from(*v)),
        AMQPValue::LongInt(v) => Some(i64::from(*v)),
        AMQPValue::LongUInt(v) => Some(i64::from(*v)),
        AMQPValue::LongLongInt(v) => Some(*v),
        _ => None,
    }
}

/// Text of a long string.
pub(crate) fn text(value: &AMQPValue) -> Option<&str> {
    match value {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
        AMQPValue::ShortString(text) => Some(text.as_str()),
        _ => None,
    }
}

/// The value under `key`.
pub(crate) fn lookup<'a>(table: &'a FieldTable, key: &str) -> Option<&'a AMQPValue> {
    table.inner().get(key)
}

/// RabbitMQ's name of a value's type.
pub(crate) fn type_name(value: &AMQPValue) -> &'static str {
    match value {
        AMQPValue::Boolean(_) => "bool",
        AMQPValue::ShortShortInt(_) => "byte",
        AMQPValue::ShortShortUInt(_) => "unsignedbyte",
        AMQPValue::ShortInt(_) => "short",
        AMQPValue::ShortUInt(_) => "unsignedshort",
        AMQPValue::LongInt(_) => "signedint",
        AMQPValue::LongUInt(_) => "unsignedint",
        AMQPValue::LongLongInt(_) => "long",
        AMQPValue::Float(_) => "float",
        AMQPValue::Double(_) => "double",
        AMQPValue::DecimalValue(_) => "decimal",
        AMQPValue::ShortString(_) | AMQPValue::LongString(_) => "longstr",
        AMQPValue::FieldArray(_) => "array",
        AMQPValue::Timestamp(_) => "timestamp",
        AMQPValue::FieldTable(_) => "table",
        AMQPValue::ByteArray(_) => "binary",
        AMQPValue::Void => "void",
    }
}

fn type_class(value: &AMQPValue) -> &'static str {
    match value {
        AMQPValue::Float(_) | AMQPValue::Double(_) => "float",
        AMQPValue::DecimalValue(_) => "int",
        other if integer(other).is_some() => "int",
        other => type_name(other),
    }
}

/// A value as RabbitMQ prints it.
pub(crate) fn print(value: &AMQPValue) -> String {
    if let Some(number) = integer(value) {
        return number.to_string();
    }
    match value {
        AMQPValue::Boolean(flag) => flag.to_string(),
        AMQPValue::Float(number) => number.to_string(),
        AMQPValue::Double(number) => number.to_string(),
        AMQPValue::Timestamp(seconds) => seconds.to_string(),
        AMQPValue::LongString(text) => text.to_string(),
        AMQPValue::ShortString(text) => text.to_string(),
        AMQPValue::Void => "undefined".to_owned(),
        other => format!("{other:?}"),
    }
}

fn same(a: &AMQPValue, b: &AMQPValue) -> bool {
    match (integer(a), integer(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// The 406 for one property that differs.
pub(crate) fn inequivalent(key: &str, thing: &str, received: &str, current: &str) -> Exception {
    Exception::precondition_failed(format!(
        "inequivalent arg '{key}' for {thing}: received {received} but current is {current}"
    ))
}

/// Compares a flag or name of a declaration.
pub(crate) fn assert_same<T: PartialEq + ToString>(
    key: &str,
    thing: &str,
    received: &T,
    current: &T,
) -> Outcome {
    if received == current {
        return Ok(());
    }
    let quote = |value: &T| format!("'{}'", value.to_string());
    Err(inequivalent(key, thing, &quote(received), &quote(current)))
}

/// Compares the arguments named by `keys`.
pub(crate) fn assert_equivalent(
    current: &FieldTable,
    received: &FieldTable,
    thing: &str,
    keys: &[&str],
) -> Outcome {
    for key in keys {
        assert_argument(lookup(current, key), lookup(received, key), thing, key)?;
    }
    Ok(())
}

fn assert_argument(
    current: Option<&AMQPValue>,
    received: Option<&AMQPValue>,
    thing: &str,
    key: &str,
) -> Outcome {
    let classic = |value: &AMQPValue| key == "x-queue-type" && text(value) == Some("classic");
    match (current, received) {
        (None, None) => Ok(()),
        (Some(one), None) | (None, Some(one)) if classic(one) => Ok(()),
        (Some(a), Some(b)) if type_class(a) == type_class(b) && same(a, b) => Ok(()),
        // Present on both sides: RabbitMQ then tells values without their types.
        (Some(a), Some(b)) => Err(inequivalent(
            key,
            thing,
            &format!("'{}'", print(b)),
            &format!("'{}'", print(a)),
        )),
        (a, b) => Err(inequivalent(key, thing, &with_type(b), &with_type(a))),
    }
}

fn with_type(value: Option<&AMQPValue>) -> String {
    value.map_or_else(
        || "none".to_owned(),
        |value| {
            format!(
                "the value '{}' of type '{}'",
                print(value),
                type_name(value)
            )
        },
    )
}
