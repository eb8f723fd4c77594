//! What the client does: publish with confirms in a window, consume with acks.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use rmq_tests::raw::{Content, Frame, Method, Properties, RawError, basic, encode_properties};

use crate::Failure;
use crate::client::{Client, Incoming, Seen, send};

/// Bytes of a body.
pub const BODY: usize = 256;
/// Publishes that wait for their confirm at most.
const WINDOW: u64 = 5_000;
/// Publishes written at once.
const CHUNK: u64 = 100;
/// Unsettled deliveries at most.
const PREFETCH: u16 = 2_000;

/// The bytes of a transient publish to a queue.
pub fn publish_bytes(queue: &str, body: usize) -> Result<Vec<u8>, RawError> {
    let method = basic::Publish {
        exchange: "".into(),
        routing_key: queue.into(),
        mandatory: false,
        immediate: false,
    };
    let content = Content {
        properties: encode_properties(Properties::default().with_delivery_mode(1))?,
        body: vec![b'x'; body].into(),
    };
    let frames = [
        Frame::method(1, method.wrap())?,
        Frame::header(1, body as u64, &content.properties),
        Frame::body(1, content.body),
    ];
    let bytes: Vec<_> = frames.iter().map(Frame::bytes).collect();
    Ok(bytes.concat())
}

/// Publishes `messages`, the bytes of each appended by `write`, on a channel in confirm mode; waits for every confirm.
///
/// Confirms are read by a thread of their own.
pub fn publish(
    client: Client,
    messages: u64,
    mut write: impl FnMut(u64, &mut Vec<u8>),
) -> Result<(), Failure> {
    let (incoming, mut outgoing) = client.split()?;
    let window = Arc::new(Window::default());
    let told = window.clone();
    let reader = thread::spawn(move || {
        let result = read_confirms(incoming, messages, &told);
        told.end();
        result
    });
    let mut bytes = Vec::new();
    let mut sent = 0;
    while sent < messages {
        let chunk = CHUNK.min(messages - sent);
        if !window.wait_for_room(sent + chunk) {
            break;
        }
        bytes.clear();
        for number in sent..sent + chunk {
            write(number, &mut bytes);
        }
        outgoing.write_all(&bytes)?;
        sent += chunk;
    }
    reader.join().map_err(|_| "the reader panicked")?
}

fn read_confirms(mut incoming: Incoming, messages: u64, window: &Window) -> Result<(), Failure> {
    let mut confirmed = Confirmed::default();
    while confirmed.count() < messages {
        incoming.read()?;
        while let Some(seen) = incoming.next()? {
            if let Seen::Ack { tag, multiple } = seen {
                confirmed.note(tag, multiple);
            }
        }
        window.advance(confirmed.count());
    }
    Ok(())
}

/// Tags confirmed so far, each counted once.
#[derive(Default)]
struct Confirmed {
    /// All up to here.
    below: u64,
    /// And these.
    above: BTreeSet<u64>,
}

impl Confirmed {
    fn note(&mut self, tag: u64, multiple: bool) {
        if multiple {
            self.below = self.below.max(tag);
            self.above = self.above.split_off(&(self.below + 1));
        } else if tag > self.below {
            self.above.insert(tag);
        }
        while self.above.remove(&(self.below + 1)) {
            self.below += 1;
        }
    }

    fn count(&self) -> u64 {
        self.below + self.above.len() as u64
    }
}

/// How far the confirms have come, for the thread that writes.
#[derive(Default)]
struct Window {
    /// Confirmed, and whether nobody reads any more.
    state: Mutex<(u64, bool)>,
    moved: Condvar,
}

impl Window {
    fn advance(&self, confirmed: u64) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = confirmed;
        self.moved.notify_one();
    }

    fn end(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.moved.notify_one();
    }

    /// Waits until `sent` publishes fit; false where the reader is gone.
    fn wait_for_room(&self, sent: u64) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |state: &mut (u64, bool)| !state.1 && sent > state.0 + WINDOW;
        let state = self.moved.wait_while(state, full);
        !state.unwrap_or_else(PoisonError::into_inner).1
    }
}

/// Consumes `messages` from a queue, with one ack for `each` of them.
pub fn consume(address: &str, queue: &str, messages: u64, each: u64) -> Result<(), Failure> {
    let client = Client::open(address, async |channel| channel.prefetch(PREFETCH).await)?;
    let (mut incoming, mut outgoing) = client.split()?;
    let consume = basic::Consume {
        queue: queue.into(),
        ..Default::default()
    };
    send(&mut outgoing, &[Frame::method(1, consume.wrap())?])?;
    let mut taken = 0;
    let mut last = 0;
    let mut acks = Vec::new();
    while taken < messages {
        incoming.read()?;
        while let Some(seen) = incoming.next()? {
            match seen {
                Seen::Deliver { tag } => last = tag,
                Seen::Body => {
                    taken += 1;
                    if taken.is_multiple_of(each) || taken == messages {
                        write_ack(&mut acks, last, each > 1);
                    }
                }
                Seen::Ack { .. } => return Err("a confirm came to a consumer".into()),
            }
        }
        outgoing.write_all(&acks)?;
        acks.clear();
    }
    Ok(())
}

fn write_ack(bytes: &mut Vec<u8>, tag: u64, multiple: bool) {
    bytes.extend_from_slice(&[1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 80]);
    bytes.extend_from_slice(&tag.to_be_bytes());
    bytes.extend_from_slice(&[u8::from(multiple), 0xCE]);
}
