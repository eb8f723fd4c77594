use std::any::type_name;

use bytes::Bytes;
use bytestring::ByteString;

use super::{Argument, ArgumentKind, HandlerContext, Rejection, RejectionKind, ViaExtractor};
use crate::message::Value;

/// Why a header's value is not what was wanted. Never with the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFault {
    /// The header is not there, or void.
    Missing,
    /// It is there and is not `wanted`.
    Wrong {
        /// What was wanted, with its article: `a text`.
        wanted: &'static str,
        /// What was found, with its article.
        found: &'static str,
    },
}

impl HeaderFault {
    /// A value that is not what was wanted.
    #[must_use]
    pub fn wrong(wanted: &'static str, found: &Value) -> Self {
        Self::Wrong {
            wanted,
            found: kind_of(found),
        }
    }
}

/// What a `#[header("name")]` argument can be: texts, numbers, truth values, bytes, a [`Value`], or an `Option` of these.
///
/// Numbers and truth values are also read from a text, since many senders write nothing else; a number that does not
/// fit is a fault, never cut.
#[diagnostic::on_unimplemented(
    message = "a header cannot be read as `{Self}`",
    label = "not a header's value",
    note = "a header is a `String`, an integer, `f64`, `bool`, `bytes::Bytes`, a `Value`, or an `Option` of one of these; the payload has no `#[header]`"
)]
pub trait FromHeader: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// When it is missing or of another kind.
    fn from_header(value: Option<&Value>) -> Result<Self, HeaderFault>;
}

/// A header's value.
#[must_use]
pub const fn header<T: FromHeader>(
    name: &'static str,
    header: &'static str,
) -> Argument<T, ViaExtractor, HandlerContext> {
    Argument::new(
        name,
        header,
        |argument, context| read(argument.name, argument.key, context),
        |argument| ArgumentKind::Header {
            header: argument.key,
            type_name: type_name::<T>(),
        },
    )
}

fn read<T: FromHeader>(
    argument: &'static str,
    header: &'static str,
    context: &HandlerContext,
) -> Result<T, Rejection> {
    let headers = &context.message().properties().headers;
    let value = headers.get(header).filter(|value| **value != Value::Void);
    if value.is_none()
        && let Some(error) = headers.fault()
    {
        // Nothing can be said of a header in a table that was not read: not even that it is missing.
        return Err(Rejection::of_header(
            argument,
            RejectionKind::HeaderTable(error),
        ));
    }
    T::from_header(value).map_err(|fault| {
        let kind = match fault {
            HeaderFault::Missing => RejectionKind::MissingHeader { header },
            HeaderFault::Wrong { wanted, found } => RejectionKind::Header {
                header,
                wanted,
                found,
            },
        };
        Rejection::of_header(argument, kind)
    })
}

impl<T: FromHeader> FromHeader for Option<T> {
    fn from_header(value: Option<&Value>) -> Result<Self, HeaderFault> {
        match value {
            None => Ok(None),
            Some(_) => T::from_header(value).map(Some),
        }
    }
}

fn there<T>(
    value: Option<&Value>,
    wanted: &'static str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, HeaderFault> {
    let value = value.ok_or(HeaderFault::Missing)?;
    read(value).ok_or_else(|| HeaderFault::wrong(wanted, value))
}

impl FromHeader for Value {
    fn from_header(value: Option<&Value>) -> Result<Self, HeaderFault> {
        value.cloned().ok_or(HeaderFault::Missing)
    }
}

impl FromHeader for ByteString {
    fn from_header(value: Option<&Value>) -> Result<Self, HeaderFault> {
        there(value, "a text", |value| match value {
            Value::Text(text) => Some(text.clone()),
            Value::Bytes(bytes) => ByteString::try_from(bytes.clone()).ok(),
            _ => None,
        })
    }
}

impl FromHeader for String {
    fn from_header(value: Option<&Value>) -> Result<Self, HeaderFault> {
        ByteString::from_header(value).map(Into::into)
    }
}

impl FromHeader for Bytes {
    fn from_header(value: Option<&Value>) -> Result<Self, HeaderFault> {
        there(value, "bytes", |value| match value {
            Value::Bytes(bytes) | Value::LongString(bytes) => Some(bytes.clone()),
            Value::Text(text) => Some(text.as_bytes().clone()),
            _ => None,
        })
    }
}

impl FromHeader for bool {
    fn from_header(value: Option<&Value>) -> Result<Self, HeaderFault> {
        there(value, "a truth value", |value| {
            value.as_bool().or_else(|| value.as_str()?.parse().ok())
        })
    }
}

macro_rules! whole_numbers {
    ($($type:ident $wanted:literal),*) => {
        $(impl FromHeader for $type {
            fn from_header(value: Option<&Value>) -> Result<Self, HeaderFault> {
                there(value, $wanted, |value| match (value.as_i64(), value) {
                    (Some(number), _) => number.try_into().ok(),
                    (None, Value::Timestamp(seconds)) => (*seconds).try_into().ok(),
                    (None, _) => value.as_str()?.parse().ok(),
                })
            }
        })*
    };
}

whole_numbers! {
    i8 "a whole number that fits an `i8`", i16 "a whole number that fits an `i16`",
    i32 "a whole number that fits an `i32`", i64 "a whole number that fits an `i64`",
    i128 "a whole number", isize "a whole number that fits an `isize`",
    u8 "a whole number that fits a `u8`", u16 "a whole number that fits a `u16`",
    u32 "a whole number that fits a `u32`", u64 "a whole number that fits a `u64`",
    u128 "a whole number that is not negative", usize "a whole number that fits a `usize`"
}

impl FromHeader for f64 {
    fn from_header(value: Option<&Value>) -> Result<Self, HeaderFault> {
        there(value, "a number", |value| match *value {
            Value::F32(number) => Some(number.into()),
            Value::F64(number) => Some(number),
            // Above 2^53 a whole number is rounded to the nearest float, as everywhere.
            #[allow(clippy::cast_precision_loss, reason = "asked for as a float")]
            _ => match value.as_i64() {
                Some(number) => Some(number as Self),
                None => value.as_str()?.parse().ok(),
            },
        })
    }
}

impl FromHeader for f32 {
    fn from_header(value: Option<&Value>) -> Result<Self, HeaderFault> {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "asked for in single precision"
        )]
        f64::from_header(value).map(|number| number as Self)
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Void => "nothing",
        Value::Bool(_) => "a truth value",
        Value::I8(_)
        | Value::U8(_)
        | Value::I16(_)
        | Value::U16(_)
        | Value::I32(_)
        | Value::U32(_)
        | Value::I64(_) => "a whole number",
        Value::F32(_) | Value::F64(_) => "a floating point number",
        Value::Decimal(..) => "a decimal",
        Value::Text(_) => "a text",
        Value::LongString(_) => "a text that is not UTF-8",
        Value::Bytes(_) => "bytes",
        Value::Timestamp(_) => "a timestamp",
        Value::Array(_) => "an array",
        Value::Table(_) => "a table",
    }
}
