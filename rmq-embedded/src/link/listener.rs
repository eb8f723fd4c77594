//! Accepts sockets and in-memory links.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::outbox::{End, Outbox};
use super::pump;
use crate::model::state::State;

/// Accepts until it is dropped or aborted; its connections end with it.
pub(crate) async fn accept(state: Arc<Mutex<State>>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    if state.lock().has_room_for_connection() {
                        connections.spawn(serve_socket(state.clone(), stream));
                    }
                }
                Err(error) => {
                    // Out of descriptors, or the client left before it was accepted.
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
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
