//! Confirms on their way to the publisher: acks at the end of a batch, nacks at once.

use super::ids::ConnectionId;
use super::state::{At, State};
use crate::record::Event;

impl State {
    /// Confirms a publish: an ack at the end of the batch, a nack at once.
    pub(crate) fn confirm(&mut self, at: At, tag: u64, refused: bool) {
        if refused {
            self.flush_confirms(at);
        }
        let Some(connection) = self.connections.get_mut(&at.connection) else {
            return;
        };
        let channel = connection.channels.get_mut(&at.channel);
        let Some(confirms) = channel.and_then(|channel| channel.confirms.as_mut()) else {
            return;
        };
        if refused {
            let nack = |out: &mut Vec<u8>| confirms.nack(at.channel, tag, out);
            connection.outbox.write(nack);
            self.note(at, || Event::Confirmed {
                tag,
                multiple: false,
                ack: false,
            });
            return;
        }
        if !confirms.has_waiting() {
            connection.unflushed.push(at.channel);
        }
        confirms.ack(tag);
    }

    /// Writes the acks that wait on a channel.
    pub(crate) fn flush_confirms(&mut self, at: At) {
        let Some(connection) = self.connections.get_mut(&at.connection) else {
            return;
        };
        let channel = connection.channels.get_mut(&at.channel);
        let Some(confirms) = channel.and_then(|channel| channel.confirms.as_mut()) else {
            return;
        };
        if !confirms.has_waiting() {
            return;
        }
        let written = connection
            .outbox
            .write(|out| confirms.flush(at.channel, out));
        for (tag, multiple) in written.into_iter().flatten() {
            self.note(at, || Event::Confirmed {
                tag,
                multiple,
                ack: true,
            });
        }
    }

    /// A batch of a client's frames is done: its gathered acks go out.
    pub(crate) fn end_batch(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        for channel in std::mem::take(&mut connection.unflushed) {
            self.flush_confirms(At {
                connection: id,
                channel,
            });
        }
    }
}
