//! Everything the broker knows, behind one lock.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use amq_protocol::protocol::AMQPClass;
use tokio::sync::watch;

use super::channel::Channel;
use super::connection::{Connection, Phase};
use super::exception::{Exception, Outcome};
use super::ids::{ConnectionId, IdMap, QueueId};
use super::message::{Entry, Gauge};
use super::power::Alarm;
use super::queue::Queue;
use super::timers::Timers;
use super::vhost::VHost;
use crate::fault::Rules;
use crate::link::outbox::Outbox;
use crate::record::{Event, Log};
use crate::settings::Settings;
use crate::wire::encode;

/// The state of a broker.
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) vhosts: Vec<VHost>,
    pub(crate) queues: IdMap<QueueId, Queue>,
    pub(crate) connections: IdMap<ConnectionId, Connection>,
    /// Direct reply-to addresses: token to connection and channel.
    pub(crate) reply_addresses: HashMap<Box<str>, (ConnectionId, u16)>,
    pub(crate) timers: Timers,
    pub(crate) rules: Rules,
    pub(crate) log: Arc<Log>,
    /// Messages in queues and unsettled.
    pub(crate) memory: Gauge,
    /// Publishes under way, and those of open transactions.
    pub(crate) assembling: Gauge,
    pub(crate) alarm: Alarm,
    /// Whether the port is open; the accepting task obeys.
    pub(crate) listening: watch::Sender<bool>,
    /// How many clients there are.
    pub(crate) clients: watch::Sender<usize>,
    /// Confirms a fault holds until they are released.
    pub(crate) held_confirms: Vec<(At, u64)>,
    /// Confirms a fault collects.
    pub(crate) gathered_confirms: Vec<(At, u64)>,
    /// What left a queue unconsumed and is still to be dead-lettered.
    pub(crate) discarded: VecDeque<(QueueId, Entry, &'static str)>,
    last_id: u64,
    started: Instant,
    /// Milliseconds since `started`, as of the operation under way.
    clock: u64,
}

/// Nothing of what it holds: messages are in there.
impl fmt::Debug for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("State").finish_non_exhaustive()
    }
}

impl State {
    /// A broker without queues.
    pub(crate) fn new(settings: Settings) -> Self {
        let vhosts = settings
            .vhosts
            .iter()
            .map(|name| VHost::new(name))
            .collect();
        let log = Arc::new(Log::new(settings.record_capacity));
        Self {
            settings,
            vhosts,
            queues: IdMap::default(),
            connections: IdMap::default(),
            reply_addresses: HashMap::new(),
            timers: Timers::default(),
            rules: Rules::default(),
            log,
            memory: Gauge::default(),
            assembling: Gauge::default(),
            alarm: Alarm::default(),
            listening: watch::Sender::new(true),
            clients: watch::Sender::new(0),
            held_confirms: Vec::new(),
            gathered_confirms: Vec::new(),
            discarded: VecDeque::new(),
            last_id: 0,
            started: Instant::now(),
            clock: 1,
        }
    }

    /// An id no other thing of this broker has.
    pub(crate) fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Milliseconds on the broker's clock; it stands still within one operation.
    pub(crate) fn now(&self) -> u64 {
        self.clock
    }

    /// Reads the time; every operation begins with it.
    pub(crate) fn refresh_clock(&mut self) {
        // From 1 on: "the millisecond before now" is always there.
        self.clock = 1 + self.started.elapsed().as_millis() as u64;
    }

    /// Whether one more client may connect.
    pub(crate) fn has_room_for_connection(&self) -> bool {
        self.connections.len() < self.settings.max_connections
    }

    /// Takes a client in.
    pub(crate) fn connect(&mut self, outbox: Arc<Outbox>) -> ConnectionId {
        self.refresh_clock();
        let id = self.new_id();
        let connection = Connection::new(outbox, self.settings.frame_max);
        self.connections.insert(id, connection);
        self.clients.send_replace(self.connections.len());
        let at = At {
            connection: id,
            channel: 0,
        };
        self.note(at, || Event::Connected);
        self.strike_connection(at);
        id
    }

    /// The largest frame a client may send; `None` once it is gone.
    pub(crate) fn frame_max(&self, id: ConnectionId) -> Option<u32> {
        self.connections
            .get(&id)
            .map(|connection| connection.frame_max)
    }

    /// Whether the handshake is done and nobody has closed.
    pub(crate) fn is_running(&self, id: ConnectionId) -> bool {
        self.connections
            .get(&id)
            .is_some_and(|connection| connection.phase == Phase::Running)
    }

    pub(crate) fn connection(&mut self, id: ConnectionId) -> Outcome<&mut Connection> {
        self.connections.get_mut(&id).ok_or_else(gone)
    }

    pub(crate) fn channel(&mut self, at: At) -> Outcome<&mut Channel> {
        self.connection(at.connection)?
            .open_channel(at.channel)
            .ok_or_else(gone)
    }

    /// The vhost of a connection.
    pub(crate) fn vhost_of(&mut self, id: ConnectionId) -> Outcome<&mut VHost> {
        let index = self.connection(id)?.vhost;
        self.vhosts.get_mut(index).ok_or_else(gone)
    }

    /// Writes a method to a client.
    pub(crate) fn send(&self, at: At, method: AMQPClass) {
        if let Some(connection) = self.connections.get(&at.connection) {
            connection
                .outbox
                .write(|out| encode::method(out, at.channel, method));
        }
    }
}

/// A channel of a connection; channel 0 is the connection itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) connection: ConnectionId,
    pub(crate) channel: u16,
}

fn gone() -> Exception {
    Exception::new(541, "the connection or channel of this method is gone")
}
