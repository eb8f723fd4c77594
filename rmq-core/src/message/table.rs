//! Field tables as bytes: written from values, checked without recursion, read with a limit on depth.
//!
//! A broker hands on whatever tables its publishers wrote. A reader that recurses without a limit can be
//! killed by one message, and the broker then delivers it again for ever. So [`check`] walks with a stack of its own.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use super::Value;

/// Why a table of the broker was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// It ends in the middle of a field, or a length points outside.
    #[error("the header table is cut off or a length in it is wrong")]
    Malformed,
    /// A type letter that RabbitMQ does not know.
    #[error("the header table holds a field of unknown type {0:#04x}")]
    UnknownType(u8),
    /// Tables in tables, deeper than the limit.
    #[error("the header table is nested deeper than {0} levels")]
    TooDeep(usize),
    /// More bytes than the limit.
    #[error("the header table has {length} bytes, more than the limit of {limit}")]
    TooLong {
        /// Its size in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

/// Checks a table's content (without its length prefix): well-formed and not nested deeper than `max_depth`.
///
/// Needs no recursion and no memory beyond one small entry for each open level.
///
/// # Errors
/// What is wrong with it.
pub fn check(content: &[u8], max_depth: usize) -> Result<(), TableError> {
    // (where the container ends, whether its fields have names)
    let mut open = vec![(content.len(), true)];
    let mut at = 0;
    while let Some(&(end, named)) = open.last() {
        if at == end {
            open.pop();
            continue;
        }
        if named {
            at = skip(
                at,
                1 + usize::from(*content.get(at).ok_or(TableError::Malformed)?),
                end,
            )?;
        }
        let kind = *content
            .get(at)
            .filter(|_| at < end)
            .ok_or(TableError::Malformed)?;
        at += 1;
        let size = match kind {
            b'V' => 0,
            b't' | b'b' | b'B' => 1,
            b's' | b'u' => 2,
            b'I' | b'i' | b'f' => 4,
            b'D' => 5,
            b'l' | b'L' | b'd' | b'T' => 8,
            b'S' | b'x' => 4 + length_at(content, at, end)?,
            b'A' | b'F' => {
                let inner_end = skip(at, 4 + length_at(content, at, end)?, end)?;
                if open.len() >= max_depth {
                    return Err(TableError::TooDeep(max_depth));
                }
                open.push((inner_end, kind == b'F'));
                4
            }
            unknown => return Err(TableError::UnknownType(unknown)),
        };
        at = skip(at, size, end)?;
    }
    Ok(())
}

fn skip(at: usize, size: usize, end: usize) -> Result<usize, TableError> {
    at.checked_add(size)
        .filter(|&next| next <= end)
        .ok_or(TableError::Malformed)
}

fn length_at(content: &[u8], at: usize, end: usize) -> Result<usize, TableError> {
    let bytes = content
        .get(at..skip(at, 4, end)?)
        .ok_or(TableError::Malformed)?;
    let length = <[u8; 4]>::try_from(bytes).map_err(|_| TableError::Malformed)?;
    usize::try_from(u32::from_be_bytes(length)).map_err(|_| TableError::Malformed)
}

/// Reads a table's content (without its length prefix). Texts share its memory.
///
/// # Errors
/// As [`check`], which runs first: nothing recursive sees what is too deep.
pub fn read(content: &Bytes, max_depth: usize) -> Result<Vec<(ByteString, Value)>, TableError> {
    check(content, max_depth)?;
    let mut rest = content.clone();
    read_fields(&mut rest)
}

fn read_fields(rest: &mut Bytes) -> Result<Vec<(ByteString, Value)>, TableError> {
    let mut fields = Vec::new();
    while rest.has_remaining() {
        let length = usize::from(rest.try_get_u8().map_err(cut)?);
        let name = text(take(rest, length)?);
        fields.push((name, read_value(rest)?));
    }
    Ok(fields)
}

fn read_value(rest: &mut Bytes) -> Result<Value, TableError> {
    Ok(match rest.try_get_u8().map_err(cut)? {
        b'V' => Value::Void,
        b't' => Value::Bool(rest.try_get_u8().map_err(cut)? != 0),
        b'b' => Value::I8(rest.try_get_i8().map_err(cut)?),
        b'B' => Value::U8(rest.try_get_u8().map_err(cut)?),
        b's' => Value::I16(rest.try_get_i16().map_err(cut)?),
        b'u' => Value::U16(rest.try_get_u16().map_err(cut)?),
        b'I' => Value::I32(rest.try_get_i32().map_err(cut)?),
        b'i' => Value::U32(rest.try_get_u32().map_err(cut)?),
        b'l' | b'L' => Value::I64(rest.try_get_i64().map_err(cut)?),
        b'f' => Value::F32(rest.try_get_f32().map_err(cut)?),
        b'd' => Value::F64(rest.try_get_f64().map_err(cut)?),
        b'D' => Value::Decimal(
            rest.try_get_u8().map_err(cut)?,
            rest.try_get_u32().map_err(cut)?,
        ),
        b'T' => Value::Timestamp(rest.try_get_u64().map_err(cut)?),
        b'S' => {
            let bytes = take_long(rest)?;
            ByteString::try_from(bytes.clone()).map_or(Value::LongString(bytes), Value::Text)
        }
        b'x' => Value::Bytes(take_long(rest)?),
        b'A' => {
            let mut inner = take_long(rest)?;
            let mut values = Vec::new();
            while inner.has_remaining() {
                values.push(read_value(&mut inner)?);
            }
            Value::Array(values)
        }
        b'F' => Value::Table(read_fields(&mut take_long(rest)?)?),
        unknown => return Err(TableError::UnknownType(unknown)),
    })
}

fn cut(_: bytes::TryGetError) -> TableError {
    TableError::Malformed
}

fn take(rest: &mut Bytes, length: usize) -> Result<Bytes, TableError> {
    if length <= rest.len() {
        Ok(rest.split_to(length))
    } else {
        Err(TableError::Malformed)
    }
}

fn take_long(rest: &mut Bytes) -> Result<Bytes, TableError> {
    let length = rest.try_get_u32().map_err(cut)?;
    take(
        rest,
        usize::try_from(length).map_err(|_| TableError::Malformed)?,
    )
}

/// Text that shares `bytes`, or a readable copy of it if it is not UTF-8.
pub(crate) fn text(bytes: Bytes) -> ByteString {
    ByteString::try_from(bytes.clone())
        .unwrap_or_else(|_| ByteString::from(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Appends the fields of a table, without the length prefix. Names are cut at 255 bytes by the caller's checks.
pub fn write_fields<'a>(
    out: &mut BytesMut,
    fields: impl IntoIterator<Item = &'a (ByteString, Value)>,
) {
    for (name, value) in fields {
        write_field(out, name, value);
    }
}

/// Appends one field. A name longer than 255 bytes is cut at a character: check before where that matters.
pub fn write_field(out: &mut BytesMut, name: &str, value: &Value) {
    write_short(out, name);
    write_value(out, value);
}

/// Appends a short string.
pub fn write_short(out: &mut BytesMut, text: &str) {
    let mut end = text.len().min(255);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    out.put_u8(u8::try_from(end).unwrap_or(u8::MAX));
    out.put_slice(text.as_bytes().get(..end).unwrap_or_default());
}

fn write_value(out: &mut BytesMut, value: &Value) {
    match value {
        Value::Void => out.put_u8(b'V'),
        Value::Bool(b) => put(out, b't', &[u8::from(*b)]),
        Value::I8(n) => put(out, b'b', &n.to_be_bytes()),
        Value::U8(n) => put(out, b'B', &n.to_be_bytes()),
        Value::I16(n) => put(out, b's', &n.to_be_bytes()),
        Value::U16(n) => put(out, b'u', &n.to_be_bytes()),
        Value::I32(n) => put(out, b'I', &n.to_be_bytes()),
        Value::U32(n) => put(out, b'i', &n.to_be_bytes()),
        Value::I64(n) => put(out, b'l', &n.to_be_bytes()),
        Value::F32(n) => put(out, b'f', &n.to_be_bytes()),
        Value::F64(n) => put(out, b'd', &n.to_be_bytes()),
        Value::Decimal(scale, unscaled) => {
            put(out, b'D', &[*scale]);
            out.put_u32(*unscaled);
        }
        Value::Text(text) => put_long(out, b'S', text.as_bytes()),
        Value::LongString(bytes) => put_long(out, b'S', bytes),
        Value::Bytes(bytes) => put_long(out, b'x', bytes),
        Value::Timestamp(seconds) => put(out, b'T', &seconds.to_be_bytes()),
        Value::Array(values) => nested(out, b'A', |out| {
            for value in values {
                write_value(out, value);
            }
        }),
        Value::Table(fields) => nested(out, b'F', |out| write_fields(out, fields)),
    }
}

fn put(out: &mut BytesMut, kind: u8, bytes: &[u8]) {
    out.put_u8(kind);
    out.put_slice(bytes);
}

fn put_long(out: &mut BytesMut, kind: u8, bytes: &[u8]) {
    out.put_u8(kind);
    out.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.put_slice(bytes);
}

fn nested(out: &mut BytesMut, kind: u8, content: impl FnOnce(&mut BytesMut)) {
    out.put_u8(kind);
    with_length(out, content);
}

/// Appends a four-byte length and then what `content` appends: a table with its prefix, say.
pub fn with_length(out: &mut BytesMut, content: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_u32(0);
    content(out);
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(prefix) = out.get_mut(start..start + 4) {
        prefix.copy_from_slice(&length.to_be_bytes());
    }
}

/// Cuts the fields named `name` at the top level out of a checked table's content. Shares memory when there are none.
#[must_use]
pub fn without(content: &Bytes, name: &str) -> Bytes {
    let mut kept = BytesMut::new();
    let (mut at, mut from, mut found) = (0, 0, false);
    while at < content.len() {
        let Some(next) = field_end(content, at) else {
            return content.clone();
        };
        let length = usize::from(content.get(at).copied().unwrap_or_default());
        if content.get(at + 1..at + 1 + length) == Some(name.as_bytes()) {
            kept.put_slice(content.get(from..at).unwrap_or_default());
            (from, found) = (next, true);
        }
        at = next;
    }
    if !found {
        return content.clone();
    }
    kept.put_slice(content.get(from..).unwrap_or_default());
    kept.freeze()
}

/// The long string `name` at the top level of a table's content, if it is there. Containers are stepped over.
#[must_use]
pub fn find_text<'a>(content: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut at = 0;
    while at < content.len() {
        let next = field_end(content, at)?;
        let value = at + 1 + usize::from(*content.get(at)?);
        if content.get(at + 1..value)? == name.as_bytes() && content.get(value) == Some(&b'S') {
            return content.get(value + 5..next);
        }
        at = next;
    }
    None
}

/// Where the field that begins at `at` ends. Containers are stepped over by their length: depth does not matter.
fn field_end(content: &[u8], at: usize) -> Option<usize> {
    let end = content.len();
    let at = skip(at, 1 + usize::from(*content.get(at)?), end).ok()?;
    let kind = *content.get(at)?;
    let size = match kind {
        b'V' => 0,
        b't' | b'b' | b'B' => 1,
        b's' | b'u' => 2,
        b'I' | b'i' | b'f' => 4,
        b'D' => 5,
        b'l' | b'L' | b'd' | b'T' => 8,
        _ => 4 + length_at(content, at + 1, end).ok()?,
    };
    skip(at + 1, size, end).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
