use super::{TableError, table};

/// How much header table a message may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderLimits {
    /// Bytes of the whole table. Default 128 KiB.
    pub bytes: usize,
    /// Levels of tables and arrays, the outermost included. Default 32; at most [`HeaderLimits::DEEPEST`] count.
    pub depth: usize,
}

impl Default for HeaderLimits {
    fn default() -> Self {
        Self {
            bytes: 128 * 1024,
            depth: 32,
        }
    }
}

impl HeaderLimits {
    /// No table is read or written deeper than this, whatever the limit says: each level takes stack, and a thread that runs
    /// out of it takes the process with it.
    pub const DEEPEST: usize = 128;

    /// The levels that are read.
    pub(crate) const fn levels(self) -> usize {
        if self.depth < Self::DEEPEST {
            self.depth
        } else {
            Self::DEEPEST
        }
    }

    /// Whether a table of so many bytes may be read.
    pub(super) const fn check_length(self, length: usize) -> Result<(), TableError> {
        if length <= self.bytes {
            return Ok(());
        }
        Err(TableError::TooLong {
            length,
            limit: self.bytes,
        })
    }

    /// Whether a table may be read: short enough, well-formed, and not too deep.
    pub(super) fn check(self, table: &[u8]) -> Result<(), TableError> {
        self.check_length(table.len())?;
        table::check(table, self.levels())
    }
}

/// Caps on what the broker may send. A message over one of them is an event of that message alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest inbound body in bytes (`max-inbound-message-body-size`). Default 64 MiB.
    pub body: u64,
    /// Header tables.
    pub headers: HeaderLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 64 * 1024 * 1024,
            headers: HeaderLimits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Headers;

    /// So many tables in each other, as bytes.
    fn nested(levels: usize) -> Vec<u8> {
        let mut content = Vec::new();
        for _ in 1..levels {
            let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
            let mut outer = vec![1, b'n', b'F'];
            outer.extend(length.to_be_bytes());
            outer.append(&mut content);
            content = outer;
        }
        content
    }

    #[test]
    fn no_limit_lets_a_table_take_the_stack() {
        let limits = HeaderLimits {
            depth: usize::MAX,
            ..HeaderLimits::default()
        };
        for (levels, fault) in [
            (HeaderLimits::DEEPEST, None),
            (
                HeaderLimits::DEEPEST + 1,
                Some(TableError::TooDeep(HeaderLimits::DEEPEST)),
            ),
            (10_000, Some(TableError::TooDeep(HeaderLimits::DEEPEST))),
        ] {
            let headers = Headers::from_wire(nested(levels).into(), limits);
            assert_eq!(headers.fault(), fault, "{levels} levels");
            assert_eq!(headers.is_empty(), fault.is_some(), "{levels} levels");
        }
    }
}
