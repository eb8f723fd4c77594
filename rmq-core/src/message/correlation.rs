use bytestring::ByteString;

/// What ties a publish to its confirm: an id of the sender's choice (Spring's `CorrelationData`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CorrelationData {
    id: ByteString,
}

impl CorrelationData {
    /// Correlation data with this id.
    #[must_use]
    pub fn new(id: impl Into<ByteString>) -> Self {
        Self { id: id.into() }
    }

    /// The id, shared.
    pub(crate) fn shared_id(&self) -> ByteString {
        self.id.clone()
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl<T: Into<ByteString>> From<T> for CorrelationData {
    fn from(id: T) -> Self {
        Self::new(id)
    }
}
