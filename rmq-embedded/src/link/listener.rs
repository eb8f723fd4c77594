//! Accepts sockets and in-memory links.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::outbox::{End, Outbox};
use super::pump;
use crate::model::state::State;

/// Between two tries of what the system refused.
const PAUSE: Duration = Duration::from_millis(10);

/// Accepts while the broker is to listen; its connections end with it.
///
/// A broker that is killed gives its port up, and takes the same one again when it is back.
pub(crate) async fn accept(
    state: Arc<Mutex<State>>,
    listener: TcpListener,
    open: watch::Sender<bool>,
) {
    let mut wanted = state.lock().listening.subscribe();
    let Ok(address) = listener.local_addr() else {
        return;
    };
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        if *wanted.borrow_and_update() {
            if listener.is_none() {
                listener = TcpListener::bind(address).await.ok();
            }
        } else {
            listener = None;
        }
        open.send_replace(listener.is_some());
        let missing = listener.is_none() && *wanted.borrow();
        tokio::select! {
            changed = wanted.changed() => if changed.is_err() { return },
            accepted = next(listener.as_ref()) => match accepted {
                Ok((stream, _)) => {
                    if state.lock().has_room_for_connection() {
                        connections.spawn(serve_socket(state.clone(), stream));
                    }
                }
                Err(error) => {
                    // Out of descriptors, or the client left before it was accepted.
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            // Somebody else holds the port for now.
            () = tokio::time::sleep(PAUSE), if missing => {}
        }
    }
}

async fn next(listener: Option<&TcpListener>) -> std::io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

async fn serve_socket(state: Arc<Mutex<State>>, mut stream: TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let outbox = Arc::new(Outbox::default());
    let id = state.lock().connect(outbox.clone());
    let (mut reader, mut writer) = stream.split();
    pump::run(state, &mut reader, &mut writer, outbox.clone(), id).await;
    if outbox.ending() == End::Reset
        && let Err(error) = stream.set_zero_linger()
    {
        tracing::debug!(%error, "the connection is closed, but not by a reset");
    }
}

/// Serves the broker's end of an in-memory link.
pub(crate) async fn serve_memory(state: Arc<Mutex<State>>, stream: DuplexStream) {
    let outbox = Arc::new(Outbox::default());
    let id = state.lock().connect(outbox.clone());
    let (mut reader, mut writer) = tokio::io::split(stream);
    pump::run(state, &mut reader, &mut writer, outbox, id).await;
}
