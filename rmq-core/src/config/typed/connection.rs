//! Connections.

use std::time::Duration;

use super::super::origin::Setting;
use super::super::reader::Reader;
use super::address::{Address, Credentials};
use super::ssl::{self, SslProperties};

/// The order in which addresses are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShuffleMode {
    /// As written, from the first.
    #[default]
    None,
    /// At random.
    Random,
    /// As written, beginning behind the one used last.
    InOrder,
}

/// How to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SaslMechanism {
    /// By username and password.
    #[default]
    Plain,
    /// By the client certificate.
    External,
}

/// The waits between attempts to connect. There is no last attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveryProperties {
    /// `recovery.initial-interval`. Default: 500 ms.
    pub initial_interval: Duration,
    /// `recovery.multiplier`. Default: 2.
    pub multiplier: f64,
    /// `recovery.max-interval`. Default: 30 s.
    pub max_interval: Duration,
}

/// Everything about connections. Paths are below `rabbitmq:`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionProperties {
    /// The nodes: `addresses`, else the one of `host` and `port`. At least one, unless
    /// [`embedded`](Self::embedded).
    pub addresses: Vec<Address>,
    /// `addresses: embedded`: the broker inside the process.
    pub embedded: bool,
    /// `username`, `password`. Default: guest, guest. For addresses without their own.
    pub credentials: Credentials,
    /// `virtual-host`. Default: `/`. For addresses without their own.
    pub virtual_host: String,
    /// `address-shuffle-mode`. Default: none.
    pub shuffle: ShuffleMode,
    /// `sasl-mechanism`. Default: plain.
    pub sasl: SaslMechanism,
    /// `connection-name`. Default: the program's name.
    pub name: Option<String>,
    /// `requested-heartbeat`. Default: 60 s; zero: none.
    pub heartbeat: Duration,
    /// `requested-channel-max`. Default: 2,047; zero: the broker's limit.
    pub channel_max: u16,
    /// `frame-max`, bytes. Default: 131,072.
    pub frame_max: u32,
    /// `connection-timeout`, for each address. Default: 10 s.
    pub connect_timeout: Duration,
    /// `handshake-timeout`. Default: 10 s.
    pub handshake_timeout: Duration,
    /// `close-timeout`. Default: 10 s.
    pub close_timeout: Duration,
    /// `channel-rpc-timeout`. Default: 30 s.
    pub rpc_timeout: Duration,
    /// `start-timeout`. Default: 60 s; zero: for ever.
    pub start_timeout: Duration,
    /// `shutdown-timeout`. Default: 30 s.
    pub shutdown_timeout: Duration,
    /// `max-inbound-message-body-size`, bytes. Default: 64 MiB.
    pub max_body_size: u64,
    /// `max-header-size`, bytes. Default: 128 KiB.
    pub max_header_size: u64,
    /// `max-header-depth`, levels. Default: 32.
    pub max_header_depth: u32,
    /// `cache.channel.size`, publishing channels per connection. Default: 25.
    pub channel_cache_size: u32,
    /// `cache.channel.checkout-timeout`. Default: 5 s.
    pub channel_checkout_timeout: Duration,
    /// `dynamic`: whether topology is declared on each new connection. Default: true.
    pub declare_topology: bool,
    /// `recovery.*`.
    pub recovery: RecoveryProperties,
    /// `ssl.*`.
    pub ssl: SslProperties,
}

impl ConnectionProperties {
    /// Whether a link to this address uses TLS.
    #[must_use]
    pub fn uses_tls(&self, address: &Address) -> bool {
        address.tls.or(self.ssl.enabled).unwrap_or(false)
    }

    /// The port of this address.
    #[must_use]
    pub fn port_of(&self, address: &Address) -> u16 {
        address
            .port
            .unwrap_or(if self.uses_tls(address) { 5671 } else { 5672 })
    }

    /// The login for this address.
    #[must_use]
    pub fn credentials_of<'c>(&'c self, address: &'c Address) -> &'c Credentials {
        address.credentials.as_ref().unwrap_or(&self.credentials)
    }

    /// The virtual host for this address.
    #[must_use]
    pub fn virtual_host_of<'c>(&'c self, address: &'c Address) -> &'c str {
        address
            .virtual_host
            .as_deref()
            .unwrap_or(&self.virtual_host)
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> ConnectionProperties {
    let (addresses, embedded) = addresses(reader);
    let shuffles = [
        ("none", ShuffleMode::None),
        ("random", ShuffleMode::Random),
        ("inorder", ShuffleMode::InOrder),
    ];
    let mechanisms = [
        ("plain", SaslMechanism::Plain),
        ("external", SaslMechanism::External),
    ];
    let virtual_host = value(reader.text("virtual-host"));
    let properties = ConnectionProperties {
        addresses,
        embedded,
        credentials: Credentials {
            username: value(reader.text("username")),
            password: reader
                .secret("password")
                .map(|secret| secret.value)
                .unwrap_or_default(),
        },
        // As Spring: blank text is the default virtual host.
        virtual_host: if virtual_host.trim().is_empty() {
            "/".to_owned()
        } else {
            virtual_host
        },
        shuffle: value(reader.choice("address-shuffle-mode", &shuffles)),
        sasl: value(reader.choice("sasl-mechanism", &mechanisms)),
        name: reader.word("connection-name").map(|name| name.value),
        heartbeat: value(reader.duration("requested-heartbeat")),
        channel_max: value(reader.whole("requested-channel-max")),
        frame_max: reader.size("frame-max").map_or(131_072, |size| {
            u32::try_from(size.value).unwrap_or(u32::MAX)
        }),
        connect_timeout: value(reader.duration("connection-timeout")),
        handshake_timeout: value(reader.duration("handshake-timeout")),
        close_timeout: value(reader.duration("close-timeout")),
        rpc_timeout: value(reader.duration("channel-rpc-timeout")),
        start_timeout: value(reader.duration("start-timeout")),
        shutdown_timeout: value(reader.duration("shutdown-timeout")),
        max_body_size: value(reader.size("max-inbound-message-body-size")),
        max_header_size: value(reader.size("max-header-size")),
        max_header_depth: value(reader.whole("max-header-depth")),
        channel_cache_size: value(reader.whole("cache.channel.size")),
        channel_checkout_timeout: value(reader.duration("cache.channel.checkout-timeout")),
        declare_topology: value(reader.flag("dynamic")),
        recovery: recovery(&mut reader.section("recovery")),
        ssl: ssl::read(&mut reader.section("ssl")),
    };
    contradictions(&properties, reader);
    properties
}

/// The value, or the type's zero where the table's default could not be read, which a test excludes.
fn value<T: Default>(setting: Option<Setting<T>>) -> T {
    setting.map(|setting| setting.value).unwrap_or_default()
}

fn recovery(reader: &mut Reader<'_>) -> RecoveryProperties {
    let recovery = RecoveryProperties {
        initial_interval: value(reader.duration("initial-interval")),
        multiplier: value(reader.decimal("multiplier")),
        max_interval: value(reader.duration("max-interval")),
    };
    if recovery.initial_interval > recovery.max_interval {
        let name = if reader.said("max-interval").is_some() {
            "max-interval"
        } else {
            "initial-interval"
        };
        reader.fault(
            name,
            "makes the first wait longer than the longest",
            "keep `initial-interval` below `max-interval`",
        );
    }
    recovery
}

fn addresses(reader: &mut Reader<'_>) -> (Vec<Address>, bool) {
    let Some(words) = reader.words("addresses") else {
        return (vec![single(reader)], false);
    };
    host_beside_addresses(reader);
    let is_embedded = |word: &String| word.eq_ignore_ascii_case("embedded");
    if words.iter().any(is_embedded) {
        if words.len() > 1 {
            reader.fault(
                "addresses",
                "names the embedded broker and others",
                "name the embedded broker alone",
            );
        }
        return (Vec::new(), true);
    }
    let mut addresses = Vec::with_capacity(words.len());
    for (index, word) in words.iter().enumerate() {
        match Address::parse(word) {
            Ok(address) => addresses.push(address),
            Err(wrong) => {
                let what = format!("has an entry, number {}, that {wrong}", index + 1);
                reader.fault(
                    "addresses",
                    &what,
                    "write host:port or amqp://user:password@host:port/vhost",
                );
            }
        }
    }
    (addresses, false)
}

/// The one address of `host` and `port`.
fn single(reader: &mut Reader<'_>) -> Address {
    let host = value(reader.word("host"));
    if host.contains(',') {
        reader.fault("host", "holds a comma", "name several nodes by `addresses`");
    } else if host.contains(['/', '@', ' ']) {
        reader.fault("host", "is more than a name", "write a URI as `addresses`");
    }
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let port = reader.whole("port").map(|port| port.value);
    Address {
        host,
        port,
        credentials: None,
        virtual_host: None,
        tls: None,
    }
}

/// `host` and `port` say nothing where `addresses` is given. That is no fault where a stronger
/// layer, such as the environment, replaced them by `addresses`.
fn host_beside_addresses(reader: &mut Reader<'_>) {
    let Some(addresses) = reader.found("addresses").map(|found| found.layer) else {
        return;
    };
    for name in ["host", "port"] {
        if reader
            .found(name)
            .is_some_and(|found| found.layer >= addresses)
        {
            reader.fault(
                name,
                "is given together with `addresses`, and would say nothing",
                "keep one of the two",
            );
        }
    }
}

fn contradictions(properties: &ConnectionProperties, reader: &mut Reader<'_>) {
    let explicit = |tls| {
        properties
            .addresses
            .iter()
            .any(|address| address.tls == Some(tls))
    };
    match properties.ssl.enabled {
        Some(true) if explicit(false) => {
            reader.fault(
                "ssl.enabled",
                "is true, and an address says amqp://",
                "write amqps:// there, or leave one of the two out",
            );
        }
        Some(false) if explicit(true) => {
            reader.fault(
                "ssl.enabled",
                "is false, and an address says amqps://",
                "leave one of the two out",
            );
        }
        _ => {}
    }
    if properties.sasl == SaslMechanism::External && properties.ssl.key_store.is_none() {
        reader.fault(
            "sasl-mechanism",
            "is external, and there is no client certificate",
            "name it by `ssl.key-store`",
        );
    }
}
