//! Field tables as raw bytes: read one level, edit it, and check the depth, all without recursion.

use super::reader::{Malformed, Reader};

/// One value of a table or array: its type letter and its bytes (with the length prefix, where the type has one).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawValue<'a> {
    pub(crate) kind: u8,
    pub(crate) bytes: &'a [u8],
}

impl<'a> RawValue<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let kind = reader.u8()?;
        let start = reader.0;
        match kind {
            b't' | b'b' | b'B' => reader.take(1)?,
            b's' | b'u' | b'U' => reader.take(2)?,
            b'I' | b'i' | b'f' => reader.take(4)?,
            b'D' => reader.take(5)?,
            b'l' | b'L' | b'd' | b'T' => reader.take(8)?,
            b'S' | b'x' | b'A' | b'F' => reader.long_bytes()?,
            b'V' => reader.take(0)?,
            _ => return Err(Malformed),
        };
        let length = start.len() - reader.0.len();
        Ok(Self {
            kind,
            bytes: start.get(..length).ok_or(Malformed)?,
        })
    }

    /// RabbitMQ's name of the type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.kind {
            b't' => "bool",
            b'b' => "byte",
            b'B' => "unsignedbyte",
            b's' | b'U' => "short",
            b'u' => "unsignedshort",
            b'I' => "signedint",
            b'i' => "unsignedint",
            b'l' | b'L' => "long",
            b'f' => "float",
            b'd' => "double",
            b'D' => "decimal",
            b'S' => "longstr",
            b'x' => "binary",
            b'A' => "array",
            b'T' => "timestamp",
            b'F' => "table",
            _ => "void",
        }
    }

    /// The content of a long string.
    pub(crate) fn as_long_string(&self) -> Option<&'a [u8]> {
        if self.kind == b'S' {
            self.bytes.get(4..)
        } else {
            None
        }
    }

    /// The entries of a nested table.
    pub(crate) fn as_table(&self) -> Option<RawTable<'a>> {
        if self.kind == b'F' {
            self.bytes.get(4..).map(RawTable)
        } else {
            None
        }
    }

    /// The items of an array; stops at the first item it can't read.
    pub(crate) fn as_array(&self) -> Option<impl Iterator<Item = RawValue<'a>> + use<'a>> {
        let mut reader = Reader(if self.kind == b'A' {
            self.bytes.get(4..)?
        } else {
            return None;
        });
        Some(std::iter::from_fn(move || {
            if reader.is_empty() {
                None
            } else {
                RawValue::read(&mut reader).ok()
            }
        }))
    }

    /// Any integer type as a number.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        let mut reader = Reader(self.bytes);
        match self.kind {
            b'b' => reader.u8().ok().map(|v| i64::from(v as i8)),
            b'B' => reader.u8().ok().map(i64::from),
            b's' | b'U' => reader.u16().ok().map(|v| i64::from(v as i16)),
            b'u' => reader.u16().ok().map(i64::from),
            b'I' => reader.u32().ok().map(|v| i64::from(v as i32)),
            b'i' => reader.u32().ok().map(i64::from),
            b'l' | b'L' => reader.u64().ok().map(|v| v as i64),
            _ => None,
        }
    }

    /// Appends type letter and bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(self.kind);
        out.extend_from_slice(self.bytes);
    }
}

/// The entries of a table, without its length prefix.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RawTable<'a>(pub(crate) &'a [u8]);

impl<'a> RawTable<'a> {
    /// Every entry of this level; ends after the first it can't read.
    pub(crate) fn entries(
        self,
    ) -> impl Iterator<Item = Result<(&'a [u8], RawValue<'a>), Malformed>> {
        let mut reader = Reader(self.0);
        let mut broken = false;
        std::iter::from_fn(move || {
            if broken || reader.is_empty() {
                return None;
            }
            let entry = read_entry(&mut reader);
            broken = entry.is_err();
            Some(entry)
        })
    }

    /// The first value under `key`.
    pub(crate) fn get(self, key: &str) -> Option<RawValue<'a>> {
        self.entries()
            .filter_map(Result::ok)
            .find(|(name, _)| *name == key.as_bytes())
            .map(|(_, value)| value)
    }
}

fn read_entry<'a>(reader: &mut Reader<'a>) -> Result<(&'a [u8], RawValue<'a>), Malformed> {
    let key = reader.short_bytes()?;
    Ok((key, RawValue::read(reader)?))
}

/// Whether every table and array in these entries is well formed and nested at most `max_depth` deep.
///
/// It walks with a stack of its own on the heap, so that no input can overflow the thread's.
pub(crate) fn check_depth(table: RawTable<'_>, max_depth: usize) -> Result<(), Malformed> {
    let mut levels: Vec<(Reader<'_>, bool)> = vec![(Reader(table.0), true)];
    while let Some((reader, keyed)) = levels.last_mut() {
        if reader.is_empty() {
            levels.pop();
            continue;
        }
        if *keyed {
            std::str::from_utf8(reader.short_bytes()?).map_err(|_| Malformed)?;
        }
        let value = RawValue::read(reader)?;
        if matches!(value.kind, b'F' | b'A') {
            if levels.len() >= max_depth {
                return Err(Malformed);
            }
            levels.push((
                Reader(value.bytes.get(4..).ok_or(Malformed)?),
                value.kind == b'F',
            ));
        }
    }
    Ok(())
}

/// Builds the entries of a table.
#[derive(Debug, Default)]
pub(crate) struct TableWriter(pub(crate) Vec<u8>);

impl TableWriter {
    fn key(&mut self, key: &[u8]) {
        self.0.push(u8::try_from(key.len()).unwrap_or(u8::MAX));
        self.0.extend_from_slice(key.get(..255).unwrap_or(key));
    }

    pub(crate) fn raw(&mut self, key: &[u8], value: RawValue<'_>) {
        self.key(key);
        value.write(&mut self.0);
    }

    pub(crate) fn long_string(&mut self, key: &str, value: &[u8]) {
        self.key(key.as_bytes());
        write_long_string(&mut self.0, value);
    }

    pub(crate) fn long(&mut self, key: &str, value: i64) {
        self.key(key.as_bytes());
        self.0.push(b'l');
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn timestamp(&mut self, key: &str, seconds: u64) {
        self.key(key.as_bytes());
        self.0.push(b'T');
        self.0.extend_from_slice(&seconds.to_be_bytes());
    }

    /// An array whose items are already written with their type letters.
    pub(crate) fn array(&mut self, key: &str, items: &[u8]) {
        self.key(key.as_bytes());
        self.0.push(b'A');
        write_long_bytes(&mut self.0, items);
    }
}

/// A long string as an array item: letter, length, bytes.
pub(crate) fn write_long_string(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'S');
    write_long_bytes(out, value);
}

/// Bytes behind a four-byte length.
pub(crate) fn write_long_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn nested(depth: usize) -> Vec<u8> {
        let mut inner = Vec::new();
        for _ in 0..depth {
            let mut outer = vec![1, b'a', b'F'];
            write_long_bytes(&mut outer, &inner);
            inner = outer;
        }
        inner
    }

    #[test]
    fn depth_is_counted_and_a_hundred_thousand_levels_do_not_overflow() {
        assert!(check_depth(RawTable(&nested(10)), 11).is_ok());
        assert!(check_depth(RawTable(&nested(11)), 11).is_err());
        // Written by hand: building it level by level would copy for minutes.
        let levels = 100_000_usize;
        let mut deep = Vec::new();
        for level in 0..levels {
            let left = ((levels - level - 1) * 7) as u32;
            deep.extend_from_slice(&[1, b'a', b'F']);
            deep.extend_from_slice(&left.to_be_bytes());
        }
        assert!(check_depth(RawTable(&deep), 64).is_err());
        assert!(check_depth(RawTable(&deep), usize::MAX).is_ok());
    }

    #[test]
    fn entries_are_read_at_one_level_only() {
        let mut table = TableWriter::default();
        table.long_string("k", b"v");
        table.long("n", -5);
        let view = RawTable(&table.0);
        assert_eq!(view.get("k").unwrap().as_long_string(), Some(&b"v"[..]));
        assert_eq!(view.get("n").unwrap().as_integer(), Some(-5));
        assert!(view.get("missing").is_none());
    }
}
