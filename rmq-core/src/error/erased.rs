use std::fmt;

/// What every operation's error of this crate can say of itself.
pub trait OperationError: std::error::Error + Send + Sync + 'static {
    /// A stable code such as `RMQ-PUB-RETURNED`: searchable, never reworded.
    fn code(&self) -> &'static str;

    /// Whether the same call may succeed later without anybody changing anything.
    fn is_transient(&self) -> bool;
}

/// Any error of this crate, for `main` and for `?`.
///
/// [`Error::downcast_ref`] gives the operation's error back, with the message inside it where there is one.
/// Its `Debug` prints the sentence that `Display` prints, because `main` prints `Debug`; never a payload.
pub struct Error(Box<dyn OperationError>);

impl Error {
    /// The stable code of the operation's error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code()
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.0.is_transient()
    }

    /// The operation's error, if it is an `E`.
    #[must_use]
    pub fn downcast_ref<E: OperationError>(&self) -> Option<&E> {
        let inner: &(dyn std::error::Error + 'static) = &*self.0;
        inner.downcast_ref()
    }
}

impl<E: OperationError> From<E> for Error {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.0, self.0.code())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
