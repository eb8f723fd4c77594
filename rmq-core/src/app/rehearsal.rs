use futures_util::future::BoxFuture;

use crate::connection::Connection;
use crate::listener::ListenerRegistry;

use super::StartError;

/// What the test kit does in a start, when the topology stands and before a listener consumes.
pub(crate) trait Rehearsal: Send + Sync {
    /// Does it. The start goes on when it is done, and ends with its error.
    fn begin<'a>(
        &'a self,
        consuming: &'a Connection,
        listeners: &'a ListenerRegistry,
    ) -> BoxFuture<'a, Result<(), StartError>>;
}
