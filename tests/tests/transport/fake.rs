//! A broker that says what a test tells it to, over a loopback socket.

use rmq_core::message::Value;
use rmq_core::message::table;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::rig::LONG;

pub const START_OK: (u16, u16) = (10, 11);
pub const TUNE_OK: (u16, u16) = (10, 31);
pub const OPEN: (u16, u16) = (10, 40);
pub const CLOSE: (u16, u16) = (10, 50);
pub const CHANNEL_OPEN: (u16, u16) = (20, 10);
pub const CHANNEL_CLOSE: (u16, u16) = (20, 40);
pub const CHANNEL_CLOSE_OK: (u16, u16) = (20, 41);
pub const QOS: (u16, u16) = (60, 10);
pub const CONSUME: (u16, u16) = (60, 20);
pub const PUBLISH: (u16, u16) = (60, 40);
pub const GET: (u16, u16) = (60, 70);
pub const ACK: (u16, u16) = (60, 80);
pub const CONFIRM_SELECT: (u16, u16) = (85, 10);

#[derive(Debug, Clone)]
pub struct Frame {
    pub kind: u8,
    pub channel: u16,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn method(&self) -> Option<(u16, u16)> {
        let &[c0, c1, m0, m1, ..] = &*self.payload else {
            return None;
        };
        (self.kind == 1).then_some((u16::from_be_bytes([c0, c1]), u16::from_be_bytes([m0, m1])))
    }
}

pub fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![kind];
    frame.extend(channel.to_be_bytes());
    frame.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend(payload);
    frame.push(0xCE);
    frame
}

pub fn method(channel: u16, (class, method): (u16, u16), arguments: &[u8]) -> Vec<u8> {
    let mut payload = class.to_be_bytes().to_vec();
    payload.extend(method.to_be_bytes());
    payload.extend(arguments);
    frame(1, channel, &payload)
}

pub fn short(text: &str) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(text.len()).unwrap()];
    bytes.extend(text.as_bytes());
    bytes
}

/// Header and body frames with these raw properties (flags and fields).
pub fn content(channel: u16, properties: &[u8], body: &[u8]) -> Vec<u8> {
    let mut header = vec![0, 60, 0, 0];
    header.extend((body.len() as u64).to_be_bytes());
    header.extend(properties);
    let mut frames = frame(2, channel, &header);
    if !body.is_empty() {
        frames.extend(frame(3, channel, body));
    }
    frames
}

pub fn deliver(channel: u16, consumer: &str, tag: u64) -> Vec<u8> {
    let mut arguments = short(consumer);
    arguments.extend(tag.to_be_bytes());
    arguments.push(0);
    arguments.extend(short(""));
    arguments.extend(short("key"));
    method(channel, (60, 60), &arguments)
}

pub struct Fake {
    pub listener: TcpListener,
    pub heartbeat: u16,
    pub frame_max: u32,
    pub channel_max: u16,
}

impl Fake {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            listener,
            heartbeat: 0,
            frame_max: 131_072,
            channel_max: 2047,
        }
    }

    pub fn address(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    pub async fn accept(&self) -> Peer {
        let (socket, _) = self.listener.accept().await.unwrap();
        Peer::over(socket)
    }

    /// Accepts and shakes hands to the end.
    pub async fn greet(&self) -> Peer {
        self.greet_over(self.accept().await).await
    }

    /// Shakes hands to the end.
    pub async fn greet_over<S>(&self, mut peer: Peer<S>) -> Peer<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.start_with(&mut peer).await;
        peer.expect(START_OK).await;
        self.tune(&mut peer).await;
        peer.expect(TUNE_OK).await;
        peer.expect(OPEN).await;
        peer.send(&method(0, (10, 41), &short(""))).await;
        peer
    }

    pub async fn start_with<S>(&self, peer: &mut Peer<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        assert_eq!(peer.bytes(8).await, b"AMQP\0\0\x09\x01");
        let mut start = bytes::BytesMut::from(&[0, 9][..]);
        table::with_length(&mut start, |out| {
            table::write_field(out, "product", &Value::Text("Fake".into()))
        });
        table::with_length(&mut start, |out| out.extend_from_slice(b"PLAIN EXTERNAL"));
        table::with_length(&mut start, |out| out.extend_from_slice(b"en_US"));
        peer.send(&method(0, (10, 10), &start)).await;
    }

    pub async fn tune<S>(&self, peer: &mut Peer<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut tune = self.channel_max.to_be_bytes().to_vec();
        tune.extend(self.frame_max.to_be_bytes());
        tune.extend(self.heartbeat.to_be_bytes());
        peer.send(&method(0, (10, 30), &tune)).await;
    }
}

pub struct Peer<S = TcpStream> {
    pub socket: S,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub fn over(socket: S) -> Self {
        Self {
            socket,
            buffer: Vec::new(),
        }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).await.unwrap();
    }

    async fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.buffer.len() < count {
            let read = tokio::time::timeout(LONG, self.socket.read_buf(&mut self.buffer))
                .await
                .unwrap()
                .unwrap();
            assert!(read > 0, "the link hung up");
        }
        self.buffer.drain(..count).collect()
    }

    /// The next frame, heartbeats included.
    pub async fn any(&mut self) -> Frame {
        let prefix = self.bytes(7).await;
        let size = u32::from_be_bytes(prefix[3..7].try_into().unwrap()) as usize;
        let mut payload = self.bytes(size + 1).await;
        assert_eq!(payload.pop(), Some(0xCE));
        Frame {
            kind: prefix[0],
            channel: u16::from_be_bytes([prefix[1], prefix[2]]),
            payload,
        }
    }

    /// The next frame that is no heartbeat.
    pub async fn next(&mut self) -> Frame {
        loop {
            let frame = self.any().await;
            if frame.kind != 8 {
                return frame;
            }
        }
    }

    /// The next frame, which is this method.
    pub async fn expect(&mut self, id: (u16, u16)) -> Frame {
        let frame = self.next().await;
        assert_eq!(frame.method(), Some(id), "{frame:?}");
        frame
    }

    /// Opens the channel that the link asks for, with confirms if `confirms`.
    pub async fn open_channel(&mut self, confirms: bool) -> u16 {
        let channel = self.expect(CHANNEL_OPEN).await.channel;
        self.send(&method(channel, (20, 11), &[0; 4])).await;
        if confirms {
            self.expect(CONFIRM_SELECT).await;
            self.send(&method(channel, (85, 11), &[])).await;
        }
        channel
    }

    /// Lets a consumer begin; gives its tag.
    pub async fn consume_ok(&mut self, channel: u16) -> String {
        let consume = self.expect(CONSUME).await.payload;
        // Class, method and a reserved field, then the queue.
        let tag = 7 + usize::from(consume[6]);
        let tag = &consume[tag..=tag + usize::from(consume[tag])];
        self.send(&method(channel, (60, 21), tag)).await;
        String::from_utf8(tag[1..].to_vec()).unwrap()
    }

    /// Reads until the link hangs up.
    pub async fn until_gone(&mut self) {
        let mut rest = [0; 4096];
        while tokio::time::timeout(LONG, self.socket.read(&mut rest))
            .await
            .unwrap()
            .unwrap_or(0)
            > 0
        {}
    }
}
