//! The broker's handle: start, connect, stop.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinHandle};

use crate::builder::Builder;
use crate::error::StartError;
use crate::link::listener;
use crate::model::state::State;
use crate::settings::Settings;

/// Bytes an in-memory link holds in each direction before its writer waits.
const MEMORY_LINK: usize = 256 * 1024;

/// A broker that runs inside this process until this handle is dropped.
///
/// It is for development and tests: everything is in memory, and nothing survives the process. Production is RabbitMQ.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmq_embedded::StartError> {
/// let broker = rmq_embedded::EmbeddedBroker::start().await?;
/// assert_eq!(broker.uri(), format!("amqp://guest:guest@127.0.0.1:{}/%2f", broker.port()));
/// # Ok(())
/// # }
/// ```
pub struct EmbeddedBroker {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
    accepting: JoinHandle<()>,
    in_memory: Mutex<Vec<AbortHandle>>,
}

impl EmbeddedBroker {
    /// Starts a broker on a free port of 127.0.0.1, with user `guest`, password `guest` and vhost `/`.
    ///
    /// # Errors
    ///
    /// [`StartError::Listen`] where the system gives no port.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// A builder for a broker with other settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) async fn start_with(settings: Settings) -> Result<Self, StartError> {
        let port = settings.port;
        let listening = |source| StartError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let state = Arc::new(Mutex::new(State::new(settings)));
        let accepting = tokio::spawn(listener::accept(state.clone(), listener));
        Ok(Self {
            state,
            address,
            accepting,
            in_memory: Mutex::new(Vec::new()),
        })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address it listens on, always of 127.0.0.1.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URI for clients: the first user, the first vhost.
    pub fn uri(&self) -> String {
        let state = self.state.lock();
        let user = state.settings.users.first();
        let login = user.map(|user| format!("{}:{}@", user.name, user.password));
        let vhost = state
            .settings
            .vhosts
            .first()
            .map_or("%2f", String::as_str)
            .replace('/', "%2f");
        format!(
            "amqp://{}{}/{vhost}",
            login.unwrap_or_default(),
            self.address
        )
    }

    /// Connects without a socket: the client's end of an in-memory link that speaks AMQP.
    ///
    /// Each direction holds 256 KiB before its writer waits.
    pub fn connect(&self) -> DuplexStream {
        let (client, broker) = tokio::io::duplex(MEMORY_LINK);
        let serving = tokio::spawn(listener::serve_memory(self.state.clone(), broker));
        let mut in_memory = self.in_memory.lock();
        in_memory.retain(|task| !task.is_finished());
        in_memory.push(serving.abort_handle());
        client
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        self.accepting.abort();
        for task in self.in_memory.lock().drain(..) {
            task.abort();
        }
    }
}

impl fmt::Debug for EmbeddedBroker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("EmbeddedBroker")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
