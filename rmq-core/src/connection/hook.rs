//! What runs on each new link before anybody else may use it.

use std::future::Future;
use std::pin::Pin;

use crate::error::BoxError;
use crate::time::Deadline;
use crate::transport::{Channel, Link, TransportError};

use super::{OpenConnection, Purpose};

/// A link that was just opened and that nobody else has yet.
#[derive(Debug, Clone)]
pub struct NewLink {
    pub(super) link: Link,
    pub(super) purpose: Purpose,
    pub(super) connection: OpenConnection,
    pub(super) virtual_host: String,
    pub(super) opened: tokio::time::Instant,
    pub(super) rpc_timeout: std::time::Duration,
}

impl NewLink {
    /// What the connection is for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Generation, address, product and version.
    #[must_use]
    pub const fn connection(&self) -> &OpenConnection {
        &self.connection
    }

    /// The virtual host.
    #[must_use]
    pub fn virtual_host(&self) -> &str {
        &self.virtual_host
    }

    /// When the broker had let us in.
    #[must_use]
    pub const fn opened(&self) -> tokio::time::Instant {
        self.opened
    }

    /// The deadline for one control call that begins now (`channel-rpc-timeout`).
    #[must_use]
    pub fn call_deadline(&self) -> Deadline {
        Deadline::after_or_never(self.rpc_timeout)
    }

    /// How many channels were agreed on; zero means no limit.
    #[must_use]
    pub fn channel_max(&self) -> u16 {
        self.link.channel_max()
    }

    /// A channel of this link. Close it.
    ///
    /// # Errors
    /// When the link has ended or the deadline passed.
    pub async fn open_channel(&self, deadline: Deadline) -> Result<Channel, TransportError> {
        self.link.open_channel(deadline).await
    }
}

/// A hook did not get its work done; the link is closed and nobody gets it.
#[derive(Debug)]
pub struct HookError {
    /// What went wrong.
    pub error: BoxError,
    /// Whether trying again cannot help until somebody changes something. At start that ends the start.
    pub permanent: bool,
}

/// Work that must be done on each new link before it is given out, such as declaring the topology.
///
/// Hooks run one after another in the order they were registered. One that fails closes the link; the connection
/// backs off and tries again, and its state shows the error.
pub trait OpenHook: Send + Sync + 'static {
    /// What it does, for errors and logs: "declare the topology".
    fn doing(&self) -> &'static str;

    /// Does it. The future may be dropped when the connection is closed meanwhile.
    fn run<'a>(
        &'a self,
        link: &'a NewLink,
    ) -> Pin<Box<dyn Future<Output = Result<(), HookError>> + Send + 'a>>;
}
