//! A link to a real broker whose answers can be held back.

use std::sync::Arc;

use rmq_core::transport::Target;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, copy, duplex};
use tokio::net::TcpSocket;
use tokio::sync::watch;

const BYTES: usize = 64 * 1024;

/// To the client a held relay is a broker that takes everything and says nothing.
pub struct Relay {
    address: String,
    /// So many bytes of each connection may pass.
    most: watch::Sender<usize>,
}

impl Relay {
    pub fn to(address: &str) -> Arc<Self> {
        Arc::new(Self {
            address: address.to_owned(),
            most: watch::Sender::new(usize::MAX),
        })
    }

    pub fn target(self: &Arc<Self>) -> Target {
        let relay = Arc::clone(self);
        Target::Memory(Arc::new(move || Some(relay.connect())))
    }

    /// What the broker says from now on waits here.
    pub fn hold(&self) {
        self.hold_behind(0);
    }

    /// So much of what the broker says on a connection, and a buffer more, still passes.
    pub fn hold_behind(&self, bytes: usize) {
        self.most.send_replace(bytes);
    }

    pub fn release(&self) {
        self.most.send_replace(usize::MAX);
    }

    fn connect(&self) -> DuplexStream {
        let (client, ours) = duplex(BYTES);
        let (address, most) = (self.address.parse().unwrap(), self.most.subscribe());
        tokio::spawn(async move {
            // Little waits in the socket of a held relay.
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(BYTES as u32).unwrap();
            let broker = socket.connect(address).await.unwrap();
            let (mut said, mut broker) = broker.into_split();
            let (mut asked, mut client) = tokio::io::split(ours);
            // Whichever end goes first, the other one sees it when both halves are dropped.
            tokio::select! {
                _ = copy(&mut asked, &mut broker) => {}
                () = answers(&mut said, &mut client, most) => {}
            }
        });
        client
    }
}

/// Hands on what the broker says, while it may pass.
async fn answers(
    broker: &mut (impl AsyncRead + Unpin),
    client: &mut (impl AsyncWrite + Unpin),
    mut most: watch::Receiver<usize>,
) {
    let mut bytes = vec![0; BYTES];
    let mut passed = 0;
    while let Ok(read @ 1..) = broker.read(&mut bytes).await {
        if most.wait_for(|most| passed < *most).await.is_err() {
            return;
        }
        if client.write_all(&bytes[..read]).await.is_err() {
            return;
        }
        passed += read;
    }
}
