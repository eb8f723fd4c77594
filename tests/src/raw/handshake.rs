use amq_protocol::types::AMQPValue;

use super::connection::Connection;
use super::method::Method;
use super::table::{table, text};
use super::{FieldTable, FrameKind, RawError, Wire, connections};

/// What a client says before a connection is open. The default is guest in the vhost `/` by PLAIN.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// The SASL mechanism.
    pub mechanism: String,
    /// What goes with it.
    pub response: Vec<u8>,
    /// The vhost to open.
    pub vhost: String,
    /// What the client agrees to; `None` takes what the broker offers, with heartbeats off.
    pub tune: Option<connections::TuneOk>,
    /// What the client tells of itself.
    pub properties: FieldTable,
}

impl Default for Handshake {
    fn default() -> Self {
        Self {
            mechanism: "PLAIN".into(),
            response: plain("guest", "guest"),
            vhost: "/".into(),
            tune: None,
            properties: table([
                ("product", text("rmq-tests")),
                ("capabilities", AMQPValue::FieldTable(capabilities())),
            ]),
        }
    }
}

/// The answer to PLAIN.
fn plain(user: &str, password: &str) -> Vec<u8> {
    format!("\0{user}\0{password}").into_bytes()
}

fn capabilities() -> FieldTable {
    let yes = AMQPValue::Boolean(true);
    table([
        ("publisher_confirms", yes.clone()),
        ("consumer_cancel_notify", yes.clone()),
        ("exchange_exchange_bindings", yes.clone()),
        ("basic.nack", yes.clone()),
        ("connection.blocked", yes.clone()),
        ("authentication_failure_close", yes),
    ])
}

impl Handshake {
    /// As this user.
    #[must_use]
    pub fn user(mut self, user: &str, password: &str) -> Self {
        self.response = plain(user, password);
        self
    }

    /// In this vhost.
    #[must_use]
    pub fn vhost(mut self, vhost: &str) -> Self {
        self.vhost = vhost.to_owned();
        self
    }

    /// Agrees to these limits: the largest channel number, the largest frame, seconds between heartbeats.
    #[must_use]
    pub fn tune(mut self, channel_max: u16, frame_max: u32, heartbeat: u16) -> Self {
        self.tune = Some(connections::TuneOk {
            channel_max,
            frame_max,
            heartbeat,
        });
        self
    }

    /// Goes through it over a fresh wire.
    ///
    /// # Errors
    /// The broker closed, or said something else.
    pub async fn open(self, wire: Wire) -> Result<Connection, RawError> {
        let mut opening = self.begin(wire).await?;
        let open = connections::Open {
            virtual_host: opening.vhost.as_str().into(),
        };
        opening.send(open).await?;
        opening.expect::<connections::OpenOk>().await?;
        Ok(Connection::new(
            opening.wire,
            opening.start,
            opening.tune,
            opening.agreed,
        ))
    }

    /// Up to tune-ok, which is sent.
    async fn begin(self, mut wire: Wire) -> Result<Opening, RawError> {
        wire.write(b"AMQP\x00\x00\x09\x01").await?;
        let mut opening = Opening {
            wire,
            vhost: self.vhost,
            start: connections::Start::default(),
            tune: connections::Tune::default(),
            agreed: connections::TuneOk::default(),
        };
        opening.start = opening.expect().await?;
        let start_ok = connections::StartOk {
            client_properties: self.properties,
            mechanism: self.mechanism.as_str().into(),
            response: self.response.into(),
            locale: "en_US".into(),
        };
        opening.send(start_ok).await?;
        opening.tune = opening.expect().await?;
        opening.agreed = self.tune.unwrap_or(connections::TuneOk {
            channel_max: opening.tune.channel_max,
            frame_max: opening.tune.frame_max,
            heartbeat: 0,
        });
        let tune_ok = opening.agreed.clone();
        opening.send(tune_ok).await?;
        Ok(opening)
    }
}

struct Opening {
    wire: Wire,
    vhost: String,
    start: connections::Start,
    tune: connections::Tune,
    agreed: connections::TuneOk,
}

impl Opening {
    async fn send(&mut self, method: impl Method) -> Result<(), RawError> {
        self.wire
            .send(&[super::Frame::method(0, method.wrap())?])
            .await
    }

    async fn expect<M: Method>(&mut self) -> Result<M, RawError> {
        let what = std::any::type_name::<M>();
        loop {
            let Some(frame) = self.wire.receive().await? else {
                return Err(RawError::new(format!(
                    "the stream ended where {what} was due"
                )));
            };
            if frame.kind == FrameKind::Heartbeat {
                continue;
            }
            return M::unwrap_from(frame.to_method()?)
                .map_err(|other| super::connection::unexpected(what, *other));
        }
    }
}
