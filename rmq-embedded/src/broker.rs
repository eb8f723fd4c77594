//! The broker's handle: start, connect, stop.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

use crate::builder::Builder;
use crate::error::StartError;
use crate::link::listener;
use crate::model::power::NOBODY;
use crate::model::state::State;
use crate::model::timers;
use crate::record::Event;
use crate::settings::Settings;

/// Bytes an in-memory link holds in each direction before its writer waits.
const MEMORY_LINK: usize = 256 * 1024;
/// How long a restart waits for its port.
const PORT_DEADLINE: Duration = Duration::from_secs(10);

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
    pub(crate) state: Arc<Mutex<State>>,
    address: SocketAddr,
    accepting: JoinHandle<()>,
    clock: JoinHandle<()>,
    /// Whether the port is open right now.
    open: watch::Sender<bool>,
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
        let open = watch::Sender::new(true);
        let accepting = tokio::spawn(listener::accept(state.clone(), listener, open.clone()));
        let clock = tokio::spawn(timers::run_clock(state.clone()));
        Ok(Self {
            state,
            address,
            accepting,
            clock,
            open,
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
    /// Each direction holds 256 KiB before its writer waits. Where nobody would be let in over the port, because the broker
    /// was killed or has all the clients it takes, the link is closed already.
    pub fn connect(&self) -> DuplexStream {
        let (client, broker) = tokio::io::duplex(MEMORY_LINK);
        {
            let state = self.state.lock();
            if !*state.listening.borrow() || !state.has_room_for_connection() {
                return client;
            }
        }
        let serving = tokio::spawn(listener::serve_memory(self.state.clone(), broker));
        let mut in_memory = self.in_memory.lock();
        in_memory.retain(|task| !task.is_finished());
        in_memory.push(serving.abort_handle());
        client
    }

    /// Kills the broker: every link ends, nobody can connect until [`Self::restart`].
    ///
    /// Kept are durable exchanges, durable queues, and in these the persistent messages (in quorum queues all);
    /// unsettled deliveries are back in their queues. The rest is gone. What was answered before still reaches clients.
    pub async fn kill(&self) {
        self.state.lock().kill();
        self.reach(false).await;
    }

    /// Has a killed broker back on the same port; kills it first where it runs.
    ///
    /// # Errors
    ///
    /// [`StartError::Listen`] where somebody else took the port and did not give it back for 10 seconds.
    pub async fn restart(&self) -> Result<(), StartError> {
        if *self.state.lock().listening.borrow() {
            self.kill().await;
        }
        {
            let state = self.state.lock();
            state.listening.send_replace(true);
            state.note(NOBODY, || Event::Restarted);
        }
        let up = self.reach(true);
        tokio::time::timeout(PORT_DEADLINE, up)
            .await
            .map_err(|_| StartError::Listen {
                port: self.port(),
                source: io::Error::from(io::ErrorKind::AddrInUse),
            })
    }

    /// Ends it as RabbitMQ ends: nobody is let in any more, every client is told 320, and the clients have until `deadline`
    /// to close their side. Gives the number of those that did not.
    pub async fn stop(self, deadline: Duration) -> usize {
        let mut clients = {
            let state = self.state.lock();
            state.listening.send_replace(false);
            state.clients.subscribe()
        };
        self.close_all(
            320,
            "broker forced connection closure with reason 'shutdown'",
        );
        match tokio::time::timeout(deadline, clients.wait_for(|clients| *clients == 0)).await {
            Ok(_) => 0,
            Err(_) => self.connection_count(),
        }
    }

    async fn reach(&self, open: bool) {
        // The accepting task lives as long as this handle, so that the sender can't be gone.
        drop(self.open.subscribe().wait_for(|now| *now == open).await);
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        self.accepting.abort();
        self.clock.abort();
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
