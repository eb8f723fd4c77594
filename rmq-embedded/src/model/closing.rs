//! How channels and connections end: closed by an exception, by bytes that are no frame, or gone.

use std::sync::Arc;

use amq_protocol::protocol::{AMQPClass, channel, connection};

use super::channel::Channel;
use super::connection::Phase;
use super::exception::{Exception, Scope, short_text};
use super::ids::ConnectionId;
use super::state::{At, State};
use crate::link::outbox::End;
use crate::record::Event;
use crate::wire::frame::FrameFault;

impl State {
    /// Ends what an exception ends, and tells the client.
    pub(crate) fn raise(&mut self, at: At, exception: &Exception, ids: (u16, u16)) {
        match exception.scope {
            Scope::Channel if at.channel != 0 => self.close_channel(at, exception, ids),
            _ => self.close_connection(at.connection, exception, ids),
        }
    }

    /// Closes a channel from the broker's side.
    pub(crate) fn close_channel(&mut self, at: At, exception: &Exception, ids: (u16, u16)) {
        self.flush_confirms(at);
        self.note(at, || Event::ChannelClosed {
            code: exception.code,
            text: Arc::from(exception.text.as_str()),
        });
        self.drop_channel(at);
        if let Some(connection) = self.connections.get_mut(&at.connection) {
            let closing = Channel {
                closing: true,
                ..Channel::default()
            };
            connection.channels.insert(at.channel, closing);
        }
        let close = channel::Close {
            reply_code: exception.code,
            reply_text: short_text(&exception.text).into(),
            class_id: ids.0,
            method_id: ids.1,
        };
        self.send(at, AMQPClass::Channel(channel::AMQPMethod::Close(close)));
    }

    /// Closes a connection from the broker's side; it is dropped when the client says close-ok.
    pub(crate) fn close_connection(
        &mut self,
        id: ConnectionId,
        exception: &Exception,
        ids: (u16, u16),
    ) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        let was_running = connection.phase == Phase::Running;
        let told = connection.phase != Phase::Header;
        let numbers: Vec<u16> = connection.channels.keys().copied().collect();
        connection.phase = Phase::Closing;
        let outbox = connection.outbox.clone();
        let at = At {
            connection: id,
            channel: 0,
        };
        self.note(at, || Event::ConnectionClosed {
            code: exception.code,
            text: Arc::from(exception.text.as_str()),
        });
        for channel in numbers {
            self.flush_confirms(At {
                connection: id,
                channel,
            });
            self.drop_channel(At {
                connection: id,
                channel,
            });
        }
        if told {
            let close = connection::Close {
                reply_code: exception.code,
                reply_text: short_text(&exception.text).into(),
                class_id: ids.0,
                method_id: ids.1,
            };
            let close = AMQPClass::Connection(connection::AMQPMethod::Close(close));
            self.send(
                At {
                    connection: id,
                    channel: 0,
                },
                close,
            );
        }
        if !was_running {
            outbox.end(End::AfterFlush);
        }
    }

    /// Bytes that are no frame end the connection: nothing behind them can be trusted.
    pub(crate) fn frame_fault(&mut self, id: ConnectionId, fault: FrameFault) {
        let text = match fault {
            FrameFault::TooLarge {
                kind,
                channel,
                size,
                max,
            } => format!(
                "type {kind}, channel {channel}: frame of {size} bytes is larger than the negotiated {max}"
            ),
            FrameFault::BadEnd {
                kind,
                channel,
                size,
                end,
            } => {
                format!("type {kind}, channel {channel}, {size} bytes: ends with {end}, not 206")
            }
            FrameFault::UnknownType {
                kind,
                channel,
                size,
            } => {
                format!("type {kind}, channel {channel}, {size} bytes: no such frame type")
            }
        };
        self.close_connection(id, &Exception::frame_error(text), (0, 0));
        // What follows in the stream can't be split into frames, a close-ok neither.
        if let Some(connection) = self.connections.get(&id) {
            connection.outbox.end(End::AfterFlush);
        }
    }

    /// The link is gone: everything the connection held goes back.
    pub(crate) fn disconnected(&mut self, id: ConnectionId) {
        self.refresh_clock();
        let Some(connection) = self.connections.get(&id) else {
            return;
        };
        let numbers: Vec<u16> = connection.channels.keys().copied().collect();
        for channel in numbers {
            self.drop_channel(At {
                connection: id,
                channel,
            });
        }
        self.delete_exclusive_queues(id);
        self.connections.remove(&id);
        self.clients.send_replace(self.connections.len());
        let at = At {
            connection: id,
            channel: 0,
        };
        self.note(at, || Event::Disconnected);
        self.end_operation();
    }
}
