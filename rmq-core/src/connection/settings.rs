//! What a connection needs to know before it starts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::transport::{Credentials, Limits, LinkSettings, Target};

use super::CredentialsProvider;

/// What a connection is for. They are kept apart, so that a broker that blocks publishers cannot stop acknowledgements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Publishing and its verdicts; replies and parking, too.
    Publishing,
    /// Consumers and their acknowledgements. Never publishes.
    Consuming,
    /// Consumers without acknowledgements, whose deliveries nothing bounds but TCP. Never publishes.
    Unacknowledged,
    /// Declarations and questions. Never publishes.
    Admin,
}

impl Purpose {
    /// The word in the connection's name and in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publishing => "publishing",
            Self::Consuming => "consuming",
            Self::Unacknowledged => "unacknowledged",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// In which order addresses are tried (`address-shuffle-mode`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum AddressShuffle {
    /// As written, from the first, each time.
    #[default]
    None,
    /// In a new random order each time.
    Random,
    /// As written, but each successful connect moves the first address to the end.
    InOrder,
}

/// One node of the broker, and who we are to it.
#[derive(Debug, Clone)]
pub struct BrokerAddress {
    /// Where it is; TLS belongs to it.
    pub target: Target,
    /// Who we are.
    pub credentials: Credentials,
    /// The virtual host.
    pub virtual_host: String,
}

impl BrokerAddress {
    /// Whether another address is entered by the same user, secret and virtual host: what the broker
    /// says about one it would say about the other.
    pub(super) fn same_login(&self, other: &Self) -> bool {
        let same_user = match (&self.credentials, &other.credentials) {
            (Credentials::External, Credentials::External) => true,
            (
                Credentials::Plain { username, password },
                Credentials::Plain {
                    username: other_name,
                    password: other_password,
                },
            ) => username == other_name && password == other_password,
            _ => false,
        };
        same_user && self.virtual_host == other.virtual_host
    }
}

/// How long to wait between rounds over the addresses. There is no last try.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackOff {
    /// After the first round. Default 500 ms.
    pub initial: Duration,
    /// At most this long; a connection that lived as long is counted as recovered. Default 30 s.
    pub max: Duration,
    /// How much longer each time. Default 2.
    pub multiplier: f32,
}

impl Default for BackOff {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(500),
            max: Duration::from_secs(30),
            multiplier: 2.0,
        }
    }
}

/// Everything a connection needs. One value serves all purposes.
#[derive(Debug, Clone)]
pub struct ConnectionSettings {
    /// The application's name; the broker's list shows `<name>.publishing` and so on. Default `rmq`.
    pub name: String,
    /// At least one.
    pub addresses: Vec<BrokerAddress>,
    /// Asked for the login in place of the addresses' user names and passwords. Default: none.
    pub provider: Option<Arc<dyn CredentialsProvider>>,
    /// In which order they are tried. Default: as written.
    pub shuffle: AddressShuffle,
    /// Heartbeat asked for; zero switches it off. Default 60 s.
    pub heartbeat: Duration,
    /// Channels asked for; zero means the broker's limit. Default 2,047.
    pub channel_max: u16,
    /// Largest frame asked for, in bytes. Default 131,072.
    pub frame_max: u32,
    /// Deadline of the TCP and TLS connect. Default 10 s.
    pub connect_timeout: Duration,
    /// Deadline of the AMQP handshake behind it. Default 10 s.
    pub handshake_timeout: Duration,
    /// Deadline of each control call (`channel-rpc-timeout`). Default 30 s.
    pub rpc_timeout: Duration,
    /// Deadline of saying goodbye to the broker. Default 10 s.
    pub close_timeout: Duration,
    /// Between rounds over the addresses.
    pub back_off: BackOff,
    /// Channels in use and idle at most (`cache.channel.size`), except on the consuming connection. Default 25.
    pub channel_cache: usize,
    /// How long to wait for a free channel (`cache.channel.checkout-timeout`), the caller's deadline at most. With
    /// zero `channel_cache` bounds only idle channels, and the channel maximum those in use. Default 5 s.
    pub checkout_timeout: Duration,
    /// Caps on what the broker may send.
    pub limits: Limits,
}

impl ConnectionSettings {
    /// The defaults with these addresses.
    #[must_use]
    pub fn new(name: impl Into<String>, addresses: Vec<BrokerAddress>) -> Self {
        Self {
            name: name.into(),
            addresses,
            provider: None,
            shuffle: AddressShuffle::None,
            heartbeat: Duration::from_secs(60),
            channel_max: 2_047,
            frame_max: 131_072,
            connect_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(10),
            rpc_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(10),
            back_off: BackOff::default(),
            channel_cache: 25,
            checkout_timeout: Duration::from_secs(5),
            limits: Limits::default(),
        }
    }

    pub(super) fn link(&self, purpose: Purpose, address: &BrokerAddress) -> LinkSettings {
        LinkSettings {
            name: format!("{}.{purpose}", self.name),
            target: address.target.clone(),
            credentials: address.credentials.clone(),
            virtual_host: address.virtual_host.clone(),
            heartbeat: self.heartbeat,
            channel_max: self.channel_max,
            frame_max: self.frame_max,
            connect_timeout: self.connect_timeout,
            handshake_timeout: self.handshake_timeout,
            rpc_timeout: self.rpc_timeout,
            limits: self.limits,
        }
    }
}
