//! The broker inside this process (feature `embedded`), as a target of links.

use std::sync::Arc;

pub use rmq_embedded::EmbeddedBroker;

use super::{Target, TransportError, TransportErrorKind};

/// Starts one that lets this user into this virtual host, beside `guest` into `/`.
///
/// # Errors
/// When it cannot listen on a loopback port.
pub async fn start_embedded(
    username: &str,
    password: &str,
    virtual_host: &str,
) -> Result<EmbeddedBroker, TransportError> {
    EmbeddedBroker::builder()
        .user(username, password)
        .vhost(virtual_host)
        .start()
        .await
        .map_err(|error| TransportError {
            kind: TransportErrorKind::Unreachable,
            doing: "start the embedded broker".to_owned(),
            text: error.to_string(),
        })
}

/// A target that leads to it, without a socket.
#[must_use]
pub fn embedded_target(broker: &Arc<EmbeddedBroker>) -> Target {
    let broker = Arc::clone(broker);
    Target::Memory(Arc::new(move || Some(broker.connect())))
}

impl crate::error::OperationError for rmq_embedded::StartError {
    fn code(&self) -> &'static str {
        "RMQ-EMBEDDED-START"
    }

    fn is_transient(&self) -> bool {
        false
    }
}
