//! How long a broker takes to start, and what 10,000 queues with 1,000,000 small messages take.
//!
//! `cargo run --release -p rmq-embedded --example capacity`

use std::error::Error;
use std::time::Instant;

use rmq_embedded::EmbeddedBroker;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

const QUEUES: usize = 10_000;
const MESSAGES_EACH: usize = 100;
const BODY: &[u8] = &[b'x'; 64];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let broker = EmbeddedBroker::builder()
        .record_capacity(0)
        .memory_limit(4 << 30)
        .start()
        .await?;
    println!("started in {:?}", begin.elapsed());

    let mut stream = broker.connect();
    login(&mut stream).await?;
    let before = resident_kib()?;
    let begin = Instant::now();
    for number in 0..QUEUES {
        stream
            .write_all(&declare(&format!("queue.{number:05}")))
            .await?;
    }
    wait_for(&broker, QUEUES - 1, 0).await;
    println!(
        "{QUEUES} queues in {:?}, {} KiB",
        begin.elapsed(),
        resident_kib()?.saturating_sub(before)
    );

    let begin = Instant::now();
    for _ in 0..MESSAGES_EACH {
        let mut bytes = Vec::new();
        for number in 0..QUEUES {
            publish(&mut bytes, &format!("queue.{number:05}"));
        }
        stream.write_all(&bytes).await?;
    }
    wait_for(&broker, QUEUES - 1, MESSAGES_EACH).await;
    let total = QUEUES * MESSAGES_EACH;
    println!(
        "{total} messages of {} bytes in {:?}; the process holds {} MiB in all",
        BODY.len(),
        begin.elapsed(),
        resident_kib()? / 1024
    );
    Ok(())
}

async fn wait_for(broker: &EmbeddedBroker, queue: usize, messages: usize) {
    let name = format!("queue.{queue:05}");
    while broker.ready_count(&name) != Some(messages) {
        tokio::task::yield_now().await;
    }
}

async fn login(stream: &mut DuplexStream) -> Result<(), Box<dyn Error>> {
    let mut bytes = b"AMQP\x00\x00\x09\x01".to_vec();
    frame(
        &mut bytes,
        1,
        0,
        &[
            &[0, 10, 0, 11, 0, 0, 0, 0],
            short("PLAIN").as_slice(),
            &[0, 0, 0, 12],
            b"\0guest\0guest",
            &short("en_US"),
        ]
        .concat(),
    );
    frame(&mut bytes, 1, 0, &[0, 10, 0, 31, 7, 255, 0, 2, 0, 0, 0, 0]);
    frame(&mut bytes, 1, 0, &[0, 10, 0, 40, 1, b'/', 0, 0]);
    frame(&mut bytes, 1, 1, &[0, 20, 0, 10, 0]);
    stream.write_all(&bytes).await?;
    let mut answer = [0; 4096];
    let read = stream.read(&mut answer).await?;
    if read == 0 {
        Err("the broker closed the link".into())
    } else {
        Ok(())
    }
}

fn short(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

/// Without an answer, so that nothing has to be read.
fn declare(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let payload = [
        &[0, 50, 0, 10, 0, 0][..],
        &short(name),
        &[0b1_0010],
        &[0; 4],
    ]
    .concat();
    frame(&mut bytes, 1, 1, &payload);
    bytes
}

fn publish(bytes: &mut Vec<u8>, key: &str) {
    frame(
        bytes,
        1,
        1,
        &[&[0, 60, 0, 40, 0, 0, 0][..], &short(key), &[0]].concat(),
    );
    let mut header = vec![0, 60, 0, 0];
    header.extend_from_slice(&(BODY.len() as u64).to_be_bytes());
    header.extend_from_slice(&[0, 0]);
    frame(bytes, 2, 1, &header);
    frame(bytes, 3, 1, BODY);
}

fn frame(bytes: &mut Vec<u8>, kind: u8, channel: u16, payload: &[u8]) {
    bytes.push(kind);
    bytes.extend_from_slice(&channel.to_be_bytes());
    bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes.push(0xCE);
}

/// Resident memory of this process.
fn resident_kib() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line
        .and_then(|line| line.trim().split(' ').next())
        .ok_or("no VmRSS")?;
    Ok(number.parse()?)
}
