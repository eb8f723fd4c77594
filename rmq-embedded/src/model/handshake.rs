//! Start, authentication, tune, open; and the other methods of channel 0.

use std::sync::Arc;

use amq_protocol::protocol::{AMQPClass, connection};
use amq_protocol::types::{AMQPValue, FieldTable, ShortString};

use super::arguments;
use super::connection::{Capabilities, Phase};
use super::dispatch::malformed;
use super::exception::{Exception, Outcome};
use super::ids::ConnectionId;
use super::state::{At, State};
use crate::link::outbox::End;
use crate::permissions::Permissions;
use crate::record::Event;
use crate::wire::method::{self, ClientMethod};
use crate::wire::table::RawTable;

/// The protocol header of AMQP 0-9-1.
pub(crate) const PROTOCOL_HEADER: [u8; 8] = *b"AMQP\x00\x00\x09\x01";

impl State {
    /// The first eight bytes of a client.
    pub(crate) fn protocol_header(&mut self, id: ConnectionId, header: [u8; 8]) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        if header != PROTOCOL_HEADER {
            // Told which protocol is spoken here, then closed, as the specification asks.
            connection
                .outbox
                .write(|out| out.extend_from_slice(&PROTOCOL_HEADER));
            connection.outbox.end(End::AfterFlush);
            return;
        }
        connection.phase = Phase::Starting;
        let start = connection::Start {
            version_major: 0,
            version_minor: 9,
            server_properties: server_properties(),
            mechanisms: "AMQPLAIN PLAIN".into(),
            locales: "en_US".into(),
        };
        self.send(
            zero(id),
            AMQPClass::Connection(connection::AMQPMethod::Start(start)),
        );
    }

    /// A method on channel 0.
    pub(crate) fn connection_method(&mut self, at: At, payload: &[u8]) -> Outcome {
        let id = at.connection;
        let phase = self.connection(id)?.phase;
        let parsed = method::parse(payload).map_err(|_| malformed(payload));
        if phase == Phase::Closing && parsed.is_err() {
            return Ok(());
        }
        let ClientMethod::Other(class) = parsed? else {
            return Err(Exception::command_invalid("channel methods need a channel"));
        };
        let AMQPClass::Connection(method) = *class else {
            return Err(Exception::command_invalid("channel methods need a channel"));
        };
        use connection::AMQPMethod as Method;
        match (method, phase) {
            (Method::StartOk(start_ok), Phase::Starting) => self.start_ok(id, start_ok),
            (Method::TuneOk(tune_ok), Phase::Tuning) => self.tune_ok(id, &tune_ok),
            (Method::Open(open), Phase::Opening) => self.open(id, &open),
            (Method::Close(_), _) => {
                self.client_closed(id);
                Ok(())
            }
            (Method::CloseOk(_), Phase::Closing) => {
                self.connection(id)?.outbox.end(End::AfterFlush);
                Ok(())
            }
            (_, Phase::Closing) => Ok(()),
            (Method::UpdateSecret(update), Phase::Running) => self.update_secret(id, &update),
            _ => Err(Exception::command_invalid("method not expected now")),
        }
    }

    fn start_ok(&mut self, id: ConnectionId, start_ok: connection::StartOk) -> Outcome {
        let properties = &start_ok.client_properties;
        let capabilities = capabilities(properties);
        let name = arguments::lookup(properties, "connection_name").and_then(arguments::text);
        let name = name.map(Arc::from);
        let mechanism = start_ok.mechanism.as_str();
        let credentials = match mechanism {
            "PLAIN" => plain(start_ok.response.as_bytes()),
            "AMQPLAIN" => amqplain(start_ok.response.as_bytes()),
            _ => None,
        };
        let accepted = credentials.and_then(|(name, password)| self.known_user(name, password));
        let connection = self.connection(id)?;
        connection.capabilities = capabilities;
        connection.name = name;
        let Some((user, permissions)) = accepted else {
            return self.refuse_login(id, mechanism);
        };
        connection.user = user;
        connection.permissions = permissions;
        connection.phase = Phase::Tuning;
        let tune = connection::Tune {
            channel_max: self.settings.channel_max,
            frame_max: self.settings.frame_max,
            heartbeat: self.settings.heartbeat.as_secs() as u16,
        };
        self.send(
            zero(id),
            AMQPClass::Connection(connection::AMQPMethod::Tune(tune)),
        );
        Ok(())
    }

    fn known_user(&self, name: &str, password: &str) -> Option<KnownUser> {
        let mut users = self.settings.users.iter();
        let user = users.find(|user| user.name == name && user.password == password)?;
        Some((Arc::from(name), user.permissions.clone()))
    }

    /// A client that understands it is told; any other finds its socket closed.
    fn refuse_login(&mut self, id: ConnectionId, mechanism: &str) -> Outcome {
        let connection = self.connection(id)?;
        if !connection.capabilities.authentication_failure_close {
            connection.outbox.end(End::AfterFlush);
            return Ok(());
        }
        Err(Exception::access_refused(format!(
            "Login was refused using authentication mechanism {mechanism}. \
             For details see the broker logfile."
        )))
    }

    fn tune_ok(&mut self, id: ConnectionId, tune_ok: &connection::TuneOk) -> Outcome {
        let (ours_frame, ours_channel) = (self.settings.frame_max, self.settings.channel_max);
        let frame_max = if tune_ok.frame_max == 0 {
            ours_frame
        } else {
            tune_ok.frame_max
        };
        let channel_max = if tune_ok.channel_max == 0 {
            ours_channel
        } else {
            tune_ok.channel_max
        };
        let wrong = !(4096..=ours_frame).contains(&frame_max) || channel_max > ours_channel;
        if wrong {
            // RabbitMQ gives no reason either: the stream ends where open-ok was due.
            let asked = (frame_max, channel_max);
            tracing::warn!(
                ?asked,
                "dropped a client that tuned to what was not offered"
            );
            self.connection(id)?.outbox.end(End::AfterFlush);
            return Ok(());
        }
        let connection = self.connection(id)?;
        connection.frame_max = frame_max;
        connection.channel_max = channel_max;
        connection.phase = Phase::Opening;
        connection.outbox.set_heartbeat(tune_ok.heartbeat);
        Ok(())
    }

    fn open(&mut self, id: ConnectionId, open: &connection::Open) -> Outcome {
        let wanted = open.virtual_host.as_str();
        let found = self.vhosts.iter().position(|vhost| &*vhost.name == wanted);
        let Some(vhost) = found else {
            return Err(Exception::not_allowed(format!("vhost {wanted} not found")));
        };
        let connection = self.connection(id)?;
        if connection
            .permissions
            .as_ref()
            .is_some_and(|own| !own.opens(wanted))
        {
            let user = connection.user.clone();
            return Err(Exception::not_allowed(format!(
                "access to vhost '{wanted}' refused for user '{user}'"
            )));
        }
        connection.vhost = vhost;
        connection.phase = Phase::Running;
        let name = connection.name.clone();
        self.note(zero(id), || Event::Opened {
            name,
            vhost: Arc::from(wanted),
        });
        let ok = connection::AMQPMethod::OpenOk(connection::OpenOk {});
        self.send(zero(id), AMQPClass::Connection(ok));
        Ok(())
    }

    /// The client closes: everything it held goes back before it is told so.
    fn client_closed(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        connection.phase = Phase::Closing;
        let outbox = connection.outbox.clone();
        let numbers: Vec<u16> = connection.channels.keys().copied().collect();
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
        self.delete_exclusive_queues(id);
        let ok = connection::AMQPMethod::CloseOk(connection::CloseOk {});
        self.send(zero(id), AMQPClass::Connection(ok));
        outbox.end(End::AfterFlush);
    }

    fn update_secret(&mut self, id: ConnectionId, _: &connection::UpdateSecret) -> Outcome {
        let ok = connection::AMQPMethod::UpdateSecretOk(connection::UpdateSecretOk {});
        self.send(zero(id), AMQPClass::Connection(ok));
        Ok(())
    }
}

fn zero(connection: ConnectionId) -> At {
    At {
        connection,
        channel: 0,
    }
}

/// Its name, and what it may touch.
type KnownUser = (Arc<str>, Option<Arc<Permissions>>);

/// `\0user\0password`.
fn plain(response: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(response).ok()?;
    let mut parts = text.splitn(3, '\0');
    parts.next()?;
    Some((parts.next()?, parts.next()?))
}

/// The entries LOGIN and PASSWORD of a table without its length.
fn amqplain(response: &[u8]) -> Option<(&str, &str)> {
    let table = RawTable(response);
    let entry = |key| std::str::from_utf8(table.get(key)?.as_long_string()?).ok();
    Some((entry("LOGIN")?, entry("PASSWORD")?))
}

fn capabilities(properties: &FieldTable) -> Capabilities {
    let Some(AMQPValue::FieldTable(table)) = arguments::lookup(properties, "capabilities") else {
        return Capabilities::default();
    };
    let has = |key| arguments::lookup(table, key) == Some(&AMQPValue::Boolean(true));
    Capabilities {
        consumer_cancel_notify: has("consumer_cancel_notify"),
        connection_blocked: has("connection.blocked"),
        authentication_failure_close: has("authentication_failure_close"),
    }
}

fn server_properties() -> FieldTable {
    let mut capabilities = FieldTable::default();
    for name in [
        "publisher_confirms",
        "exchange_exchange_bindings",
        "basic.nack",
        "consumer_cancel_notify",
        "connection.blocked",
        "consumer_priorities",
        "authentication_failure_close",
        "per_consumer_qos",
        "direct_reply_to",
    ] {
        capabilities.insert(ShortString::from(name), AMQPValue::Boolean(true));
    }
    let mut properties = FieldTable::default();
    properties.insert("capabilities".into(), AMQPValue::FieldTable(capabilities));
    for (key, value) in [
        ("product", "rmq-embedded"),
        ("version", env!("CARGO_PKG_VERSION")),
        ("platform", "Rust"),
        (
            "information",
            "for development and tests; nothing survives the process",
        ),
        ("cluster_name", "rmq-embedded"),
    ] {
        properties.insert(key.into(), AMQPValue::LongString(value.into()));
    }
    properties
}
