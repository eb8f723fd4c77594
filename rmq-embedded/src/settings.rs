//! Settings of a broker, with their defaults.

use std::sync::Arc;
use std::time::Duration;

use crate::permissions::Permissions;

/// A name and password that may connect.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) password: String,
    /// `None` for everything.
    pub(crate) permissions: Option<Arc<Permissions>>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("User")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What a broker is started with; [`crate::Builder`] is its public face.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) port: u16,
    pub(crate) users: Vec<User>,
    pub(crate) vhosts: Vec<String>,
    pub(crate) frame_max: u32,
    pub(crate) channel_max: u16,
    pub(crate) heartbeat: Duration,
    pub(crate) max_connections: usize,
    pub(crate) max_message_size: u64,
    /// Bytes of messages in all queues above which publishers are blocked.
    pub(crate) memory_limit: usize,
    pub(crate) handshake_timeout: Duration,
    /// What 4.x gives a quorum queue that names no limit.
    pub(crate) default_delivery_limit: Option<u32>,
    pub(crate) record_capacity: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: 0,
            users: vec![User {
                name: "guest".to_owned(),
                password: "guest".to_owned(),
                permissions: None,
            }],
            vhosts: vec!["/".to_owned()],
            frame_max: 131_072,
            channel_max: 2047,
            heartbeat: Duration::from_secs(60),
            max_connections: 10_000,
            max_message_size: 128 * 1024 * 1024,
            memory_limit: 1024 * 1024 * 1024,
            handshake_timeout: Duration::from_secs(10),
            default_delivery_limit: None,
            record_capacity: 65_536,
        }
    }
}
