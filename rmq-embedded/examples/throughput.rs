//! Messages per second of a broker, seen by a raw client: publish with confirms, then consume with acks.
//!
//! `cargo run --release -p rmq-embedded --example throughput -- 127.0.0.1:5672 [messages]`, against any broker.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const WINDOW: u64 = 2_000;
const CHUNK: u64 = 200;
const PREFETCH: u16 = 1_000;
const ACK_EVERY: u64 = 50;
const BODY: [u8; 256] = [b'x'; 256];

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let address = arguments
        .next()
        .unwrap_or_else(|| "127.0.0.1:5672".to_owned());
    let messages = arguments.next().map_or(Ok(500_000), |text| text.parse())?;
    let begin = Instant::now();
    publish(&address, messages)?;
    report("published and confirmed", messages, begin);
    let begin = Instant::now();
    consume(&address, messages)?;
    report("consumed and acked", messages, begin);
    Ok(())
}

fn report(what: &str, messages: u64, begin: Instant) {
    let seconds = begin.elapsed().as_secs_f64();
    println!("{what}: {:.0} messages/s", messages as f64 / seconds);
}

fn publish(address: &str, messages: u64) -> Outcome {
    let mut link = Link::open(address)?;
    link.call(
        1,
        &[&[0, 50, 0, 10, 0, 0], &short("throughput")[..], &[0; 5]].concat(),
    )?;
    link.call(1, &[0, 85, 0, 10, 0])?;
    let confirmed = Arc::new(AtomicU64::new(0));
    let mut reading = link.clone_reader()?;
    let seen = confirmed.clone();
    let reader = std::thread::spawn(move || -> Outcome {
        let mut singles = 0;
        let mut below = 0;
        while below + singles < messages {
            let (_, payload) = reading.frame()?;
            match payload.get(..4) {
                Some([0, 60, 0, 80]) => {
                    let tag = u64::from_be_bytes(payload[4..12].try_into()?);
                    if payload[12] & 1 == 1 {
                        below = below.max(tag);
                        singles = 0;
                    } else {
                        singles += 1;
                    }
                    // Singles since the last cumulative ack may lie above it: an estimate that is exact at the end.
                    seen.store((below + singles).min(messages), Ordering::Relaxed);
                }
                other => return Err(format!("not an ack: {other:?}").into()),
            }
        }
        Ok(())
    });
    let mut sent = 0;
    let mut bytes = Vec::new();
    while sent < messages {
        if sent - confirmed.load(Ordering::Relaxed) >= WINDOW {
            if reader.is_finished() {
                break;
            }
            std::thread::yield_now();
            continue;
        }
        bytes.clear();
        for _ in 0..CHUNK.min(messages - sent) {
            content(&mut bytes);
            sent += 1;
        }
        link.stream.write_all(&bytes)?;
    }
    reader.join().map_err(|_| "the reader panicked")?
}

fn consume(address: &str, messages: u64) -> Outcome {
    let mut link = Link::open(address)?;
    let [high, low] = PREFETCH.to_be_bytes();
    link.call(1, &[0, 60, 0, 10, 0, 0, 0, 0, high, low, 0])?;
    link.call(
        1,
        &[
            &[0, 60, 0, 20, 0, 0],
            &short("throughput")[..],
            &short("c"),
            &[0; 5],
        ]
        .concat(),
    )?;
    let mut taken = 0;
    while taken < messages {
        let (kind, payload) = link.frame()?;
        if kind != 1 || payload.get(..4) != Some(&[0, 60, 0, 60]) {
            continue;
        }
        taken += 1;
        if taken % ACK_EVERY == 0 || taken == messages {
            let mut ack = vec![0, 60, 0, 80];
            ack.extend_from_slice(&taken.to_be_bytes());
            ack.push(1);
            link.send(1, 1, &ack)?;
        }
    }
    link.call(
        1,
        &[&[0, 50, 0, 40, 0, 0], &short("throughput")[..], &[0]].concat(),
    )?;
    Ok(())
}

/// One blocking connection with channel 1 open.
struct Link {
    stream: TcpStream,
    input: Vec<u8>,
    at: usize,
}

impl Link {
    fn open(address: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut link = Self {
            stream,
            input: Vec::new(),
            at: 0,
        };
        link.stream.write_all(b"AMQP\x00\x00\x09\x01")?;
        link.frame()?;
        let login = [0, 10, 0, 11, 0, 0, 0, 0];
        let start_ok = [
            &login[..],
            &short("PLAIN"),
            &[0, 0, 0, 12],
            b"\0guest\0guest",
            &short("en_US"),
        ];
        link.call(0, &start_ok.concat())?;
        link.send(1, 0, &[0, 10, 0, 31, 7, 255, 0, 2, 0, 0, 0, 0])?;
        link.call(0, &[0, 10, 0, 40, 1, b'/', 0, 0])?;
        link.call(1, &[0, 20, 0, 10, 0])?;
        Ok(link)
    }

    fn clone_reader(&self) -> Outcome<Self> {
        Ok(Self {
            stream: self.stream.try_clone()?,
            input: Vec::new(),
            at: 0,
        })
    }

    fn call(&mut self, channel: u16, payload: &[u8]) -> Outcome {
        self.send(1, channel, payload)?;
        let (_, answer) = self.frame()?;
        // channel.close or connection.close
        if matches!(answer.get(..4), Some([0, 20, 0, 40] | [0, 10, 0, 50])) {
            return Err(format!("refused: {}", String::from_utf8_lossy(&answer)).into());
        }
        Ok(())
    }

    fn send(&mut self, kind: u8, channel: u16, payload: &[u8]) -> Outcome {
        let mut bytes = Vec::new();
        frame(&mut bytes, kind, channel, payload);
        Ok(self.stream.write_all(&bytes)?)
    }

    /// The next frame's type and payload.
    fn frame(&mut self) -> Outcome<(u8, Vec<u8>)> {
        loop {
            let waiting = self.input.get(self.at..).unwrap_or_default();
            if let Some(head) = waiting.first_chunk::<7>() {
                let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
                if let Some(payload) = waiting.get(7..7 + size)
                    && waiting.len() > 7 + size
                {
                    let found = (head[0], payload.to_vec());
                    self.at += size + 8;
                    return Ok(found);
                }
            }
            self.input.drain(..self.at);
            self.at = 0;
            let start = self.input.len();
            self.input.resize(start + 256 * 1024, 0);
            let read = self.stream.read(&mut self.input[start..])?;
            self.input.truncate(start + read);
            if read == 0 {
                return Err("the broker closed the link".into());
            }
        }
    }
}

fn short(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

/// A transient message to the queue.
fn content(bytes: &mut Vec<u8>) {
    let publish = [&[0, 60, 0, 40, 0, 0, 0], &short("throughput")[..], &[0]].concat();
    frame(bytes, 1, 1, &publish);
    let mut header = vec![0, 60, 0, 0];
    header.extend_from_slice(&(BODY.len() as u64).to_be_bytes());
    header.extend_from_slice(&[0b0001_0000, 0, 1]);
    frame(bytes, 2, 1, &header);
    frame(bytes, 3, 1, &BODY);
}

fn frame(bytes: &mut Vec<u8>, kind: u8, channel: u16, payload: &[u8]) {
    bytes.push(kind);
    bytes.extend_from_slice(&channel.to_be_bytes());
    bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes.push(0xCE);
}
