use super::{TableError, table};

/// How much header table a message may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderLimits {
    /// Bytes of the whole table. Default 128 KiB.
    pub bytes: usize,
    /// Levels of tables and arrays, the outermost included. Default 32.
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
        table::check(table, self.depth)
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
