//! The settings of a broker, as its user gives them.

use std::sync::Arc;
use std::time::Duration;

use crate::broker::EmbeddedBroker;
use crate::error::StartError;
use crate::permissions::Permissions;
use crate::settings::{Settings, User};

/// Settings of a broker; see each method for its default.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    settings: Settings,
}

impl Builder {
    /// The port of 127.0.0.1 to listen on. Default 0: a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.settings.port = port;
        self
    }

    /// Lets one more user in, with access to everything. Default: only `guest` with password `guest`.
    pub fn user(self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.add_user(name.into(), password.into(), None)
    }

    /// Lets one more user in that may touch only what `permissions` say.
    pub fn limited_user(
        self,
        name: impl Into<String>,
        password: impl Into<String>,
        permissions: Permissions,
    ) -> Self {
        self.add_user(name.into(), password.into(), Some(Arc::new(permissions)))
    }

    fn add_user(
        mut self,
        name: String,
        password: String,
        permissions: Option<Arc<Permissions>>,
    ) -> Self {
        self.settings.users.push(User {
            name,
            password,
            permissions,
        });
        self
    }

    /// Adds a vhost. Default: only `/`.
    pub fn vhost(mut self, name: impl Into<String>) -> Self {
        self.settings.vhosts.push(name.into());
        self
    }

    /// The largest frame offered, in bytes with header and end. Default 131,072.
    pub fn frame_max(mut self, bytes: u32) -> Self {
        self.settings.frame_max = bytes.max(4096);
        self
    }

    /// The highest channel number offered. Default 2,047, as RabbitMQ.
    pub fn channel_max(mut self, channels: u16) -> Self {
        self.settings.channel_max = channels.max(1);
        self
    }

    /// The heartbeat offered, in whole seconds. Default 60 s; zero for none.
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.settings.heartbeat = heartbeat;
        self
    }

    /// Clients connected at once; one more finds its socket closed. Default 10,000.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = connections;
        self
    }

    /// The largest body, in bytes. Default 128 MiB.
    pub fn max_message_size(mut self, bytes: u64) -> Self {
        self.settings.max_message_size = bytes;
        self
    }

    /// Memory all messages in all queues may take, in bytes; above it publishers are blocked. Default 1 GiB.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.settings.memory_limit = bytes;
        self
    }

    /// How long a client has from its connection to `connection.open`. Default 10 s, as RabbitMQ.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.settings.handshake_timeout = timeout;
        self
    }

    /// What a quorum queue that names no `x-delivery-limit` gets. Default none, as RabbitMQ 3; 4.x gives 20.
    pub fn default_delivery_limit(mut self, limit: u32) -> Self {
        self.settings.default_delivery_limit = Some(limit);
        self
    }

    /// Events the record keeps; the oldest go first. Default 65,536; 0 keeps none.
    pub fn record_capacity(mut self, events: usize) -> Self {
        self.settings.record_capacity = events;
        self
    }

    /// Starts the broker.
    ///
    /// # Errors
    ///
    /// [`StartError::Listen`] where the port can't be taken.
    pub async fn start(self) -> Result<EmbeddedBroker, StartError> {
        EmbeddedBroker::start_with(self.settings).await
    }
}
