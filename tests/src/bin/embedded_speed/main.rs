//! The speed that `rmq-embedded` promises, beside RabbitMQ's, measured in one run by one command:
//!
//! `cargo run --release -p rmq-tests --bin embedded_speed [-- --rounds N] [--messages N] [--release 3|4]`
//!
//! Both brokers are processes of their own behind loopback sockets, and one raw client talks to both in alternating
//! rounds. It ends with a failure where a promise does not hold.

mod capacity;
mod client;
mod contender;
mod figures;
mod load;
mod rounds;

use std::process::ExitCode;

use rmq_tests::broker::Release;
use rmq_tests::process::machine;

use contender::{Contender, EmbeddedProcess, build_program};

/// Whatever stops the measurement, in words.
type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Options {
    rounds: usize,
    messages: u64,
    release: Release,
}

fn options() -> Result<Options, Failure> {
    let mut options = Options {
        rounds: 5,
        messages: 200_000,
        release: Release::V3,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next();
        let value = value.ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--rounds" => options.rounds = value.parse()?,
            "--messages" => options.messages = value.parse()?,
            "--release" => options.release = value.parse()?,
            _ => return Err(format!("{name} is no option").into()),
        }
    }
    Ok(options)
}

fn measure() -> Result<bool, Failure> {
    let options = options()?;
    let program = build_program()?;
    let embedded = Contender::embedded(&program)?;
    let rabbit = Contender::rabbit(options.release)?;
    println!(
        "{}; RabbitMQ {} and the program rmq-embedded; transient messages of {} bytes, {} a round; median (min-max) of {} alternating rounds\n",
        machine(),
        options.release,
        load::BODY,
        options.messages,
        options.rounds
    );
    let fast = rounds::run(&embedded, &rabbit, options.rounds, options.messages)?;
    figures::print_memory(&embedded, &rabbit)?;
    drop((embedded, rabbit));
    let quick = figures::print_start(&EmbeddedProcess::start_times(&program)?);
    let small = capacity::run(&program)?;
    Ok(fast & quick & small)
}

fn main() -> ExitCode {
    match measure() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("embedded_speed: {failure}");
            ExitCode::FAILURE
        }
    }
}
