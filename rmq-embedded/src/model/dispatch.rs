//! Frames of a client to what they ask for.

use amq_protocol::protocol::{AMQPClass, access, basic, channel, confirm, exchange, queue};

use super::channel::{Assembly, Channel};
use super::connection::Phase;
use super::exception::{Exception, Outcome};
use super::ids::ConnectionId;
use super::state::{At, State};
use super::strike::Flow;
use crate::fault::Action;
use crate::record::Event;
use crate::wire::frame::{Frame, FrameKind};
use crate::wire::method::{self, ClientMethod};

impl State {
    /// Takes one frame of a client.
    pub(crate) fn receive(&mut self, id: ConnectionId, frame: Frame<'_>) {
        let at = At {
            connection: id,
            channel: frame.channel,
        };
        let ids = match frame.kind {
            FrameKind::Method => method::ids(frame.payload).unwrap_or((0, 0)),
            _ => (60, 40),
        };
        let outcome = match frame.kind {
            FrameKind::Method if !matches!(ids, (60, 40 | 80 | 90 | 120)) => {
                self.receive_method(at, frame, ids)
            }
            _ => self.receive_any(at, frame),
        };
        if let Err(exception) = outcome {
            self.raise(at, &exception, ids);
        }
        self.end_operation();
    }

    fn receive_any(&mut self, at: At, frame: Frame<'_>) -> Outcome {
        if frame.channel == 0 {
            self.receive_on_connection(at, frame)
        } else {
            self.receive_on_channel(at, frame)
        }
    }

    /// A method that is none of the hot ones: it is recorded, and a fault may strike.
    fn receive_method(&mut self, at: At, frame: Frame<'_>, ids: (u16, u16)) -> Outcome {
        let name = method::name(ids);
        self.note(at, || Event::Method { name });
        let Some(action) = self.strike_method(at, name) else {
            return self.receive_any(at, frame);
        };
        let outbox = self.connection(at.connection)?.outbox.clone();
        let before = outbox.pending_length();
        match action {
            Action::Withhold | Action::CutAfter => {
                if action == Action::CutAfter {
                    self.end_batch(at.connection);
                }
                outbox.hush(true);
                let outcome = self.receive_any(at, frame);
                outbox.hush(false);
                if action == Action::CutAfter {
                    self.cut_link(at.connection);
                }
                outcome
            }
            Action::CutInFrame => {
                let outcome = self.receive_any(at, frame);
                let answer = outbox.pending_length().saturating_sub(before);
                outbox.end_after(before + answer / 2);
                self.disconnected(at.connection);
                outcome
            }
            other => match self.carry_out(at, &other)? {
                Flow::Instead => Ok(()),
                Flow::GoOn => self.receive_any(at, frame),
            },
        }
    }

    fn receive_on_connection(&mut self, at: At, frame: Frame<'_>) -> Outcome {
        match frame.kind {
            FrameKind::Heartbeat if frame.payload.is_empty() => Ok(()),
            FrameKind::Heartbeat => Err(Exception::frame_error("a heartbeat carries no payload")),
            FrameKind::Method => self.connection_method(at, frame.payload),
            FrameKind::Header | FrameKind::Body => {
                Err(Exception::unexpected_frame("content frames need a channel"))
            }
        }
    }

    fn receive_on_channel(&mut self, at: At, frame: Frame<'_>) -> Outcome {
        let connection = self.connection(at.connection)?;
        match connection.phase {
            Phase::Running => {}
            Phase::Closing => return Ok(()),
            _ => return Err(Exception::channel_error("the connection is not open")),
        }
        let channel_max = connection.channel_max;
        if frame.kind == FrameKind::Heartbeat {
            return Err(Exception::frame_error("a heartbeat belongs on channel 0"));
        }
        let Some(channel) = connection.channels.get_mut(&at.channel) else {
            return self.open_channel(at, frame, channel_max);
        };
        if channel.closing {
            self.while_closing(at, frame);
            return Ok(());
        }
        match frame.kind {
            FrameKind::Method if !matches!(channel.assembly, Assembly::Idle) => {
                Err(Exception::unexpected_frame(match channel.assembly {
                    Assembly::Header(_) => {
                        "expected content header for class 60, got non content header frame instead"
                    }
                    _ => "expected content body, got non content body frame instead",
                }))
            }
            FrameKind::Method => {
                let parsed = method::parse(frame.payload).map_err(|_| malformed(frame.payload))?;
                self.channel_method(at, parsed)
            }
            FrameKind::Header => self.content_header(at, frame.payload),
            FrameKind::Body => self.content_body(at, frame.payload),
            FrameKind::Heartbeat => Ok(()),
        }
    }

    fn open_channel(&mut self, at: At, frame: Frame<'_>, channel_max: u16) -> Outcome {
        if frame.kind != FrameKind::Method || method::ids(frame.payload) != Ok((20, 10)) {
            // A late close-ok of a channel that is gone harms nobody.
            if frame.kind == FrameKind::Method && method::ids(frame.payload) == Ok((20, 41)) {
                return Ok(());
            }
            return Err(Exception::channel_error("expected 'channel.open'"));
        }
        let open = self.connection(at.connection)?.channels.len();
        if open >= usize::from(channel_max) {
            return Err(Exception::not_allowed(format!(
                "number of channels opened ({open}) has reached the negotiated channel_max ({channel_max})"
            )));
        }
        self.connection(at.connection)?
            .channels
            .insert(at.channel, Channel::default());
        self.send(
            at,
            AMQPClass::Channel(channel::AMQPMethod::OpenOk(channel::OpenOk {})),
        );
        Ok(())
    }

    /// The broker closed the channel: until the client says close-ok nothing else counts.
    fn while_closing(&mut self, at: At, frame: Frame<'_>) {
        if frame.kind != FrameKind::Method {
            return;
        }
        match method::ids(frame.payload) {
            Ok((20, 41)) => {
                if let Some(connection) = self.connections.get_mut(&at.connection) {
                    connection.channels.remove(&at.channel);
                }
            }
            Ok((20, 40)) => self.send_channel_close_ok(at),
            _ => {}
        }
    }

    fn send_channel_close_ok(&self, at: At) {
        self.send(
            at,
            AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {})),
        );
    }

    fn channel_method(&mut self, at: At, method: ClientMethod<'_>) -> Outcome {
        match method {
            ClientMethod::Publish(publish) => self.publish_method(at, publish),
            ClientMethod::Ack { tag, multiple } => self.acknowledge(at, tag, multiple),
            ClientMethod::Nack {
                tag,
                multiple,
                requeue,
            } => self.refuse(at, tag, multiple, requeue),
            ClientMethod::Reject { tag, requeue } => self.refuse(at, tag, false, requeue),
            ClientMethod::Qos {
                size,
                count,
                global,
            } => self.qos(at, size, count, global),
            ClientMethod::Other(class) => self.other_method(at, *class),
        }
    }

    fn other_method(&mut self, at: At, class: AMQPClass) -> Outcome {
        match class {
            AMQPClass::Basic(method) => self.basic_method(at, method),
            AMQPClass::Queue(method) => self.queue_method(at, method),
            AMQPClass::Exchange(method) => self.exchange_method(at, method),
            AMQPClass::Channel(method) => self.channel_class_method(at, method),
            AMQPClass::Confirm(confirm::AMQPMethod::Select(select)) => {
                self.select_confirms(at, select.nowait)
            }
            AMQPClass::Tx(method) => self.tx_method(at, &method),
            AMQPClass::Access(_) => {
                let ok = access::AMQPMethod::RequestOk(access::RequestOk {});
                self.send(at, AMQPClass::Access(ok));
                Ok(())
            }
            AMQPClass::Connection(_) => Err(Exception::command_invalid(
                "connection methods belong on channel 0",
            )),
            _ => Err(Exception::command_invalid("unimplemented method")),
        }
    }

    fn basic_method(&mut self, at: At, method: basic::AMQPMethod) -> Outcome {
        match method {
            basic::AMQPMethod::Consume(consume) => self.consume(at, consume),
            basic::AMQPMethod::Cancel(cancel) => self.cancel(at, &cancel),
            basic::AMQPMethod::CancelOk(_) => Ok(()),
            basic::AMQPMethod::Get(get) => self.get(at, &get),
            basic::AMQPMethod::Recover(recover) => self.recover(at, recover.requeue, true),
            basic::AMQPMethod::RecoverAsync(recover) => self.recover(at, recover.requeue, false),
            _ => Err(Exception::command_invalid("unimplemented method")),
        }
    }

    fn queue_method(&mut self, at: At, method: queue::AMQPMethod) -> Outcome {
        match method {
            queue::AMQPMethod::Declare(declare) => self.declare_queue(at, declare),
            queue::AMQPMethod::Bind(bind) => self.bind_queue(at, bind),
            queue::AMQPMethod::Unbind(unbind) => self.unbind_queue(at, unbind),
            queue::AMQPMethod::Purge(purge) => self.purge(at, &purge),
            queue::AMQPMethod::Delete(delete) => self.delete_queue_method(at, &delete),
            _ => Err(Exception::command_invalid("unimplemented method")),
        }
    }

    fn exchange_method(&mut self, at: At, method: exchange::AMQPMethod) -> Outcome {
        match method {
            exchange::AMQPMethod::Declare(declare) => self.declare_exchange(at, declare),
            exchange::AMQPMethod::Delete(delete) => self.delete_exchange_method(at, &delete),
            exchange::AMQPMethod::Bind(bind) => self.bind_exchange(at, bind),
            exchange::AMQPMethod::Unbind(unbind) => self.unbind_exchange(at, unbind),
            _ => Err(Exception::command_invalid("unimplemented method")),
        }
    }

    fn channel_class_method(&mut self, at: At, method: channel::AMQPMethod) -> Outcome {
        match method {
            channel::AMQPMethod::Open(_) => {
                Err(Exception::channel_error("second 'channel.open' seen"))
            }
            channel::AMQPMethod::Close(_) => {
                self.drop_channel(at);
                self.send_channel_close_ok(at);
                Ok(())
            }
            channel::AMQPMethod::Flow(flow) if flow.active => {
                let ok = channel::AMQPMethod::FlowOk(channel::FlowOk { active: true });
                self.send(at, AMQPClass::Channel(ok));
                Ok(())
            }
            channel::AMQPMethod::Flow(_) => Err(Exception::not_implemented("active=false")),
            // close-ok and flow-ok of something long settled.
            _ => Ok(()),
        }
    }
}

/// The exception for a method that can't be read.
pub(crate) fn malformed(payload: &[u8]) -> Exception {
    let ids = method::ids(payload).unwrap_or((0, 0));
    match method::name(ids) {
        "unknown" => {
            Exception::command_invalid(format!("unknown method {} of class {}", ids.1, ids.0))
        }
        name => Exception::syntax_error(format!("could not decode method fields of '{name}'")),
    }
}
