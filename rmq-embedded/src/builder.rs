//! The settings of a broker, as its user gives them.

use std::time::Duration;

use crate::broker::EmbeddedBroker;
use crate::error::StartError;
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

    /// Lets one more user connect. Default: only `guest` with password `guest`.
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.settings.users.push(User {
            name: name.into(),
            password: password.into(),
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

    /// Starts the broker.
    ///
    /// # Errors
    ///
    /// [`StartError::Listen`] where the port can't be taken.
    pub async fn start(self) -> Result<EmbeddedBroker, StartError> {
        EmbeddedBroker::start_with(self.settings).await
    }
}
