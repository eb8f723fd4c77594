use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use crate::message::Limits;

/// Where a link leads.
#[derive(Clone)]
pub enum Target {
    /// TCP, with TLS on top where settings are given.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
        /// TLS, if it is on.
        tls: Option<TlsSettings>,
    },
    /// A broker inside this process: gives the client's end of a new pipe to it, `None` when it is down.
    Memory(Arc<dyn Fn() -> Option<tokio::io::DuplexStream> + Send + Sync>),
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp {
                host,
                port,
                tls: None,
            } => write!(f, "{host}:{port}"),
            Self::Tcp {
                host,
                port,
                tls: Some(_),
            } => write!(f, "{host}:{port} (TLS)"),
            Self::Memory(_) => f.write_str("the embedded broker"),
        }
    }
}

/// TLS of one link: the finished client configuration and the name the certificate must carry.
#[derive(Clone)]
pub struct TlsSettings {
    /// Verification, roots and client certificate.
    pub config: Arc<rustls::ClientConfig>,
    /// The server's name, for SNI and verification.
    pub server_name: rustls::pki_types::ServerName<'static>,
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TlsSettings({:?})", self.server_name)
    }
}

/// Who we are to the broker.
#[derive(Clone)]
pub enum Credentials {
    /// SASL PLAIN.
    Plain {
        /// Login.
        username: String,
        /// Never shown.
        password: String,
    },
    /// SASL EXTERNAL: the client certificate says it.
    External,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain { username, .. } => write!(f, "Plain({username}, ***)"),
            Self::External => f.write_str("External"),
        }
    }
}

/// Everything one link needs.
#[derive(Debug, Clone)]
pub struct LinkSettings {
    /// The connection's name, as the broker's list shows it.
    pub name: String,
    /// Where it leads.
    pub target: Target,
    /// Who we are.
    pub credentials: Credentials,
    /// The virtual host.
    pub virtual_host: String,
    /// Heartbeat asked for; zero switches it off. The lower of ours and the broker's is used.
    pub heartbeat: Duration,
    /// Channels asked for; zero means the broker's limit.
    pub channel_max: u16,
    /// Largest frame asked for, in bytes; at least 4,096. Default 131,072.
    pub frame_max: u32,
    /// Deadline of the TCP and TLS connect.
    pub connect_timeout: Duration,
    /// Deadline of the AMQP handshake behind it.
    pub handshake_timeout: Duration,
    /// Deadline of each control call (`channel-rpc-timeout`).
    pub rpc_timeout: Duration,
    /// Caps on what the broker may send.
    pub limits: Limits,
}
