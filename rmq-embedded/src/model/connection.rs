//! A connection: how far it got, what was negotiated, its channels.

use std::sync::Arc;

use super::channel::Channel;
use super::ids::IdMap;
use crate::link::outbox::Outbox;
use crate::permissions::Permissions;

/// How far a connection got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The client's protocol header comes next.
    Header,
    /// `connection.start` was sent.
    Starting,
    /// `connection.tune` was sent.
    Tuning,
    /// `tune-ok` came, `connection.open` comes next.
    Opening,
    Running,
    /// The broker sent `connection.close`: only close and close-ok count.
    Closing,
}

/// What the client said it understands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Capabilities {
    pub(crate) consumer_cancel_notify: bool,
    pub(crate) connection_blocked: bool,
    pub(crate) authentication_failure_close: bool,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) phase: Phase,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) channels: IdMap<u16, Channel>,
    pub(crate) frame_max: u32,
    pub(crate) channel_max: u16,
    /// Index of the vhost, once open.
    pub(crate) vhost: usize,
    pub(crate) user: Arc<str>,
    /// What the user may touch; `None` for everything.
    pub(crate) permissions: Option<Arc<Permissions>>,
    /// The name the client gave itself.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) capabilities: Capabilities,
    /// It published something: only such connections are blocked.
    pub(crate) has_published: bool,
    pub(crate) blocked: bool,
    /// Channels with acks that wait for the end of the batch.
    pub(crate) unflushed: Vec<u16>,
}

impl Connection {
    /// A connection of which nothing is known yet.
    pub(crate) fn new(outbox: Arc<Outbox>, frame_max: u32) -> Self {
        Self {
            phase: Phase::Header,
            outbox,
            channels: IdMap::default(),
            frame_max,
            channel_max: 0,
            vhost: 0,
            user: Arc::from(""),
            permissions: None,
            name: None,
            capabilities: Capabilities::default(),
            has_published: false,
            blocked: false,
            unflushed: Vec::new(),
        }
    }

    /// A channel the client may use: open, not closing.
    pub(crate) fn open_channel(&mut self, number: u16) -> Option<&mut Channel> {
        self.channels
            .get_mut(&number)
            .filter(|channel| !channel.closing)
    }
}
