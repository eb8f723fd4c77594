//! A link to a real broker whose answers can be held back.

use std::sync::Arc;

use rmq_core::transport::Target;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, copy, duplex};
use tokio::net::TcpStream;
use tokio::sync::watch;

const BYTES: usize = 64 * 1024;

/// To the client a held relay is a broker that takes everything and says nothing.
pub struct Relay {
    address: String,
    open: watch::Sender<bool>,
}

impl Relay {
    pub fn to(address: &str) -> Arc<Self> {
        Arc::new(Self {
            address: address.to_owned(),
            open: watch::Sender::new(true),
        })
    }

    pub fn target(self: &Arc<Self>) -> Target {
        let relay = Arc::clone(self);
        Target::Memory(Arc::new(move || Some(relay.connect())))
    }

    /// What the broker says from now on waits here.
    pub fn hold(&self) {
        self.open.send_replace(false);
    }

    pub fn release(&self) {
        self.open.send_replace(true);
    }

    fn connect(&self) -> DuplexStream {
        let (client, ours) = duplex(BYTES);
        let (address, open) = (self.address.clone(), self.open.subscribe());
        tokio::spawn(async move {
            let broker = TcpStream::connect(address).await.unwrap();
            let (mut said, mut broker) = broker.into_split();
            let (mut asked, mut client) = tokio::io::split(ours);
            // Whichever end goes first, the other one sees it when both halves are dropped.
            tokio::select! {
                _ = copy(&mut asked, &mut broker) => {}
                () = answers(&mut said, &mut client, open) => {}
            }
        });
        client
    }
}

/// Hands on what the broker says, while the relay is open.
async fn answers(
    broker: &mut (impl AsyncRead + Unpin),
    client: &mut (impl AsyncWrite + Unpin),
    mut open: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; BYTES];
    while let Ok(read @ 1..) = broker.read(&mut bytes).await {
        if open.wait_for(|open| *open).await.is_err() {
            return;
        }
        if client.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
