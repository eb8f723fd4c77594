//! One TCP connection to a host that may have several addresses.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpStream, lookup_host};

use crate::time::Deadline;

/// Connects to the first address that answers. Each has its share of the time, so that one behind which nobody
/// listens any more does not keep the others from being tried.
pub(super) async fn dial(host: &str, port: u16, deadline: Deadline) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    connect(&addresses, deadline).await
}

async fn connect(addresses: &[SocketAddr], deadline: Deadline) -> io::Result<TcpStream> {
    let Some((last, others)) = addresses.split_last() else {
        let text = "the name has no address";
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    };
    let mut shares = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in others {
        let share = Deadline::after(deadline.remaining() / shares);
        shares -= 1;
        match share.limit(TcpStream::connect(address)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => tracing::debug!(%address, %error, "cannot connect; the next address"),
            Err(_) => tracing::debug!(%address, "no answer; the next address"),
        }
    }
    // All that is left is its own, and who called watches that.
    TcpStream::connect(last).await
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::time::Duration;

    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    fn loopback() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    /// An address that swallows what is sent to it: the queue of its listener is full, and nobody accepts.
    async fn silent() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(loopback()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        let soon = Duration::from_millis(300);
        while let Ok(connected) = tokio::time::timeout(soon, TcpStream::connect(address)).await {
            queued.push(connected.unwrap());
        }
        (address, listener, queued)
    }

    #[tokio::test]
    async fn an_address_that_does_not_answer_does_not_keep_out_the_next() {
        let (dead, _listener, _queued) = silent().await;
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let living = listener.local_addr().unwrap();
        let deadline = Deadline::after(Duration::from_secs(2));
        let socket = connect(&[dead, living], deadline).await.unwrap();
        assert_eq!(socket.peer_addr().unwrap(), living);
    }

    #[tokio::test]
    async fn the_error_is_that_of_the_last() {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let closed = listener.local_addr().unwrap();
        drop(listener);
        let deadline = Deadline::after(Duration::from_secs(2));
        let error = connect(&[closed, closed], deadline).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let nowhere = connect(&[], deadline).await.unwrap_err();
        assert!(nowhere.to_string().contains("no address"), "{nowhere}");
    }
}
