//! What starting a broker can fail with.

use std::io;

/// Why a broker could not be started, or started again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The port could not be taken.
    #[error(
        "could not listen on 127.0.0.1:{port} ({source}); choose another port, or 0 for a free one"
    )]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
}
