use std::fmt;
use std::io;

/// Why a private broker could not be started, stopped or asked; one sentence with what to do.
#[derive(Debug)]
pub struct BrokerError(String);

impl BrokerError {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// A command line that can't be carried out.
    #[must_use]
    pub fn usage(sentence: impl Into<String>) -> Self {
        Self::new(sentence)
    }

    /// Tells what was being done when the operating system refused.
    pub(crate) fn io(doing: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        move |error| Self(format!("{doing}: {error}"))
    }
}

impl fmt::Display for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BrokerError {}
