//! Alternating rounds of publishing and consuming.

use std::time::Instant;

use rmq_tests::broker::unique;
use rmq_tests::process::cpu_seconds;
use rmq_tests::raw::queue;

use crate::Failure;
use crate::client::Client;
use crate::contender::Contender;
use crate::figures::{Spread, print_row, print_table_head};
use crate::load::{self, BODY};

/// What the embedded broker promises, as a multiple of RabbitMQ's rate.
const PROMISED: f64 = 3.0;
/// Deliveries under one ack, in the last task.
const ACK_EVERY: u64 = 50;

/// What is measured in a round, in this order: each task takes what the one before it left.
const TASKS: [&str; 3] = [
    "publish, each confirmed",
    "consume, an ack each",
    "consume, an ack for 50",
];

/// Messages a second, and processor microseconds of the broker for each message.
#[derive(Clone, Copy)]
pub struct Measured {
    pub rate: f64,
    pub micros: f64,
}

/// Runs the rounds and prints the table; true where the promise holds in every row.
pub fn run(
    embedded: &Contender,
    rabbit: &Contender,
    rounds: usize,
    messages: u64,
) -> Result<bool, Failure> {
    let mut all = [const { Vec::new() }; 2];
    for round in 0..rounds {
        // The other one goes first in each round.
        for turn in 0..2 {
            let which = (round + turn) % 2;
            let contender = if which == 0 { embedded } else { rabbit };
            if let Some(rounds) = all.get_mut(which) {
                rounds.push(one_round(contender, messages)?);
            }
        }
    }
    let [ours, theirs] = all;
    print_table_head();
    let mut holds = true;
    for (index, task) in TASKS.into_iter().enumerate() {
        let of = |rounds: &[[Measured; 3]], what: fn(&Measured) -> f64| {
            Spread::of(rounds.iter().filter_map(|round| round.get(index)).map(what))
        };
        let (our_rate, their_rate) = (of(&ours, |one| one.rate), of(&theirs, |one| one.rate));
        let ratio = our_rate.middle / their_rate.middle;
        let ours = (our_rate, of(&ours, |one| one.micros));
        let theirs = (their_rate, of(&theirs, |one| one.micros));
        print_row(task, embedded.label(), &ours, Some((ratio, PROMISED)));
        print_row(task, rabbit.label(), &theirs, None);
        holds &= ratio >= PROMISED;
    }
    Ok(holds)
}

fn one_round(contender: &Contender, messages: u64) -> Result<[Measured; 3], Failure> {
    let address = contender.address();
    let name = unique("speed");
    let publish = || {
        let client = Client::open(&address, async |channel| {
            let queue = name.as_str().into();
            channel
                .call(queue::Declare {
                    queue,
                    durable: true,
                    ..Default::default()
                })
                .await?;
            channel.confirm_select().await
        })?;
        let message = load::publish_bytes(&name, BODY)?;
        load::publish(client, messages, |_, out| out.extend_from_slice(&message))
    };
    let published = timed(contender, messages, publish)?;
    let acked_each = timed(contender, messages, || {
        load::consume(&address, &name, messages, 1)
    })?;
    publish()?;
    let acked_in_batches = timed(contender, messages, || {
        load::consume(&address, &name, messages, ACK_EVERY)
    })?;
    Client::open(&address, async |channel| {
        let queue = name.as_str().into();
        channel
            .call(queue::Delete {
                queue,
                ..Default::default()
            })
            .await
            .map(drop)
    })?;
    Ok([published, acked_each, acked_in_batches])
}

fn timed(
    contender: &Contender,
    messages: u64,
    work: impl FnOnce() -> Result<(), Failure>,
) -> Result<Measured, Failure> {
    let cpu = cpu_seconds(contender.pid())?;
    let begin = Instant::now();
    work()?;
    let seconds = begin.elapsed().as_secs_f64();
    let micros = (cpu_seconds(contender.pid())? - cpu) * 1e6;
    let messages = messages as f64;
    Ok(Measured {
        rate: messages / seconds,
        micros: micros / messages,
    })
}
