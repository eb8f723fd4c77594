//! Kill, restart, and the alarm that blocks publishers.

use amq_protocol::protocol::{AMQPClass, connection};

use super::ids::{ConnectionId, QueueId};
use super::state::{At, State};
use crate::link::outbox::End;
use crate::record::Event;

/// Where the broker itself acts.
pub(crate) const NOBODY: At = At {
    connection: 0,
    channel: 0,
};

impl State {
    /// Ends every link and stops listening; what is not durable is gone.
    pub(crate) fn kill(&mut self) {
        self.note(NOBODY, || Event::Killed);
        self.lose_volatile();
        self.listening.send_replace(false);
    }

    /// Kills and is back at once, without giving up the port.
    pub(crate) fn power_cycle(&mut self) {
        self.note(NOBODY, || Event::Killed);
        self.lose_volatile();
        self.note(NOBODY, || Event::Restarted);
    }

    /// Leaves what a crash leaves: durable exchanges, durable queues, and in these the persistent messages.
    fn lose_volatile(&mut self) {
        self.refresh_clock();
        let clients = self.connection_ids();
        for id in clients {
            self.end_batch(id);
            if let Some(connection) = self.connections.get(&id) {
                connection.outbox.end(End::AfterFlush);
            }
            self.disconnected(id);
        }
        self.held_confirms.clear();
        self.gathered_confirms.clear();
        self.set_alarm(false);
        let transient: Vec<QueueId> = self
            .queues
            .values()
            .filter(|queue| !queue.durable)
            .map(|queue| queue.id)
            .collect();
        for id in transient {
            self.delete_queue(id);
        }
        for queue in self.queues.values_mut() {
            let quorum = queue.options.quorum;
            drop(
                queue
                    .ready
                    .retain(|entry| quorum || entry.message.persistent),
            );
            queue.had_consumer = false;
        }
        for index in 0..self.vhosts.len() {
            let Some(vhost) = self.vhosts.get(index) else {
                continue;
            };
            let exchanges = vhost
                .exchanges
                .values()
                .filter(|exchange| !exchange.durable);
            let transient: Vec<_> = exchanges.map(|exchange| exchange.name.clone()).collect();
            for name in transient {
                self.delete_exchange(index, &name);
            }
        }
        self.end_operation();
    }

    /// Every client there is.
    pub(crate) fn connection_ids(&self) -> Vec<ConnectionId> {
        self.connections.keys().copied().collect()
    }

    /// Reads again from clients that only a fault stopped reading from.
    pub(crate) fn read_again(&mut self) {
        for connection in self.connections.values().filter(|one| !one.blocked) {
            connection.outbox.stop_reading(false);
        }
    }

    /// Raises or clears the scripted alarm.
    pub(crate) fn set_alarm(&mut self, raised: bool) {
        self.alarm.scripted = raised;
        self.apply_alarm();
    }

    /// Raises or clears the memory alarm, as the messages in all queues demand.
    pub(crate) fn watch_memory(&mut self) {
        let full = self.memory.bytes() >= self.settings.memory_limit;
        if full != self.alarm.memory {
            self.alarm.memory = full;
            self.apply_alarm();
        }
    }

    fn apply_alarm(&mut self) {
        let raised = self.alarm.raised();
        let clients = self.connection_ids();
        for id in clients {
            if raised {
                self.block_publisher(id)
            } else {
                self.unblock(id)
            }
        }
    }

    /// Blocks a connection that published, while the alarm is raised.
    pub(crate) fn block_publisher(&mut self, id: ConnectionId) {
        if !self.alarm.raised() {
            return;
        }
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        if connection.blocked || !connection.has_published {
            return;
        }
        connection.blocked = true;
        let tell = connection.capabilities.connection_blocked;
        connection.outbox.stop_reading(true);
        let at = At {
            connection: id,
            channel: 0,
        };
        self.note(at, || Event::Blocked);
        if tell {
            let blocked = connection::Blocked {
                reason: "low on memory".into(),
            };
            self.send(
                at,
                AMQPClass::Connection(connection::AMQPMethod::Blocked(blocked)),
            );
        }
    }

    fn unblock(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        if !connection.blocked {
            return;
        }
        connection.blocked = false;
        let tell = connection.capabilities.connection_blocked;
        connection.outbox.stop_reading(false);
        let at = At {
            connection: id,
            channel: 0,
        };
        self.note(at, || Event::Unblocked);
        if tell {
            let unblocked = connection::AMQPMethod::Unblocked(connection::Unblocked {});
            self.send(at, AMQPClass::Connection(unblocked));
        }
    }
}

/// Why publishers are blocked, if they are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Alarm {
    pub(crate) memory: bool,
    pub(crate) scripted: bool,
}

impl Alarm {
    pub(crate) fn raised(self) -> bool {
        self.memory || self.scripted
    }
}
