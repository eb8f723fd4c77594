use super::TableError;

/// Why a delivery must not reach a handler. The broker has the message whole: rejected, it is dead-lettered intact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryFault {
    /// Its body was left out.
    #[error(
        "its body has {size} bytes, over the limit of {limit} (`max-inbound-message-body-size`)"
    )]
    Body {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Its header table was left out.
    #[error("its header table has {size} bytes, over the limit of {limit} (`max-header-size`)")]
    Headers {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Its header table is here, and cannot be read.
    #[error(transparent)]
    HeaderTable(TableError),
    /// Its properties cannot be read.
    #[error("its properties cannot be read")]
    Properties,
}

impl DeliveryFault {
    /// Whether part of the message is not here: whoever sent it on would send something else.
    #[must_use]
    pub const fn is_incomplete(self) -> bool {
        !matches!(self, Self::HeaderTable(_))
    }
}

impl From<TableError> for DeliveryFault {
    fn from(error: TableError) -> Self {
        Self::HeaderTable(error)
    }
}
