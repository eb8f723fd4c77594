//! 10,000 queues with 1,000,000 small messages, and what the process holds with them.

use std::path::Path;
use std::time::Instant;

use rmq_tests::process::peak_memory_kib;
use rmq_tests::raw::{Connection, Frame, Method, RawError, queue};

use crate::Failure;
use crate::client::Client;
use crate::contender::EmbeddedProcess;
use crate::figures::verdict;
use crate::load;

const QUEUES: u64 = 10_000;
const MESSAGES: u64 = 1_000_000;
const BODY: usize = 64;
const PROMISED_MIB: u64 = 2048;

/// Fills a fresh broker with its default settings; true where the promise holds.
pub fn run(program: &Path) -> Result<bool, Failure> {
    let process = EmbeddedProcess::start(program)?;
    let begin = Instant::now();
    let publishes: Vec<Vec<u8>> = (0..QUEUES)
        .map(|number| load::publish_bytes(&name(number), BODY))
        .collect::<Result<_, RawError>>()?;
    let client = Client::open(&process.address, async |channel| {
        let declares: Vec<Frame> = (0..QUEUES).map(declare).collect::<Result<_, _>>()?;
        channel.connection().send_frames(&declares).await?;
        channel.round_trip().await?;
        channel.confirm_select().await
    })?;
    load::publish(client, MESSAGES, |number, out| {
        let publish = publishes.get((number % QUEUES) as usize);
        out.extend_from_slice(publish.map_or(&[], Vec::as_slice));
    })?;
    check(&process.address)?;
    let peak = peak_memory_kib(process.pid())? / 1024;
    let holds = peak < PROMISED_MIB;
    println!(
        "{QUEUES} queues with {MESSAGES} messages of {BODY} bytes, in {:.1?}: {peak} MiB at most, promised {PROMISED_MIB} {}",
        begin.elapsed(),
        verdict(holds)
    );
    Ok(holds)
}

fn name(number: u64) -> String {
    format!("capacity.{number:05}")
}

/// Without an answer: a round trip behind the last one tells that they stand.
fn declare(number: u64) -> Result<Frame, RawError> {
    let declare = queue::Declare {
        queue: name(number).into(),
        durable: true,
        nowait: true,
        ..Default::default()
    };
    Frame::method(1, declare.wrap())
}

/// The first and the last queue have their share.
fn check(address: &str) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let channel = Connection::open(address).await?.channel(1).await?;
            for number in [0, QUEUES - 1] {
                let (ready, _) = channel.counts(&name(number)).await?;
                if u64::from(ready) != MESSAGES / QUEUES {
                    return Err(format!("{} holds {ready} messages", name(number)).into());
                }
            }
            Ok(())
        })
}
