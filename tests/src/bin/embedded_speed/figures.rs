//! The figures as people read them.

use std::time::Duration;

use rmq_tests::process::peak_memory_kib;

use crate::Failure;
use crate::contender::Contender;

/// A broker is to answer this soon after its program was started.
const PROMISED_START: Duration = Duration::from_millis(10);

/// The middle of several values, and how far they lie apart.
pub struct Spread {
    pub middle: f64,
    least: f64,
    most: f64,
}

impl Spread {
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self {
            middle: at(values.len() / 2),
            least: at(0),
            most: at(values.len().saturating_sub(1)),
        }
    }
}

pub fn print_table_head() {
    println!("| | broker | messages/s | times RabbitMQ | broker CPU us/message |");
    println!("|---|---|---|---|---|");
}

/// A row: rate and processor time; for the embedded broker its ratio and the one it promises.
pub fn print_row(
    task: &str,
    broker: &str,
    (rate, micros): &(Spread, Spread),
    ratio: Option<(f64, f64)>,
) {
    let ratio = ratio.map_or(String::new(), |(ratio, promised)| {
        format!("{ratio:.1} {}", verdict(ratio >= promised))
    });
    println!(
        "| {task} | {broker} | {:.0} ({:.0}-{:.0}) | {ratio} | {:.2} ({:.2}-{:.2}) |",
        rate.middle, rate.least, rate.most, micros.middle, micros.least, micros.most
    );
}

/// How a promise is told to hold or not.
pub fn verdict(holds: bool) -> &'static str {
    if holds { "(ok)" } else { "(NOT MET)" }
}

/// The most memory each broker held in the rounds.
pub fn print_memory(embedded: &Contender, rabbit: &Contender) -> Result<(), Failure> {
    println!();
    for contender in [embedded, rabbit] {
        let peak = peak_memory_kib(contender.pid())? / 1024;
        println!(
            "peak memory of {} in these rounds: {peak} MiB",
            contender.label()
        );
    }
    Ok(())
}

/// From the spawn of the program to its first answer; true where the promise holds.
pub fn print_start(times: &[Duration]) -> bool {
    let at = |index: usize| times.get(index).copied().unwrap_or(Duration::MAX);
    let (middle, least, most) = (
        at(times.len() / 2),
        at(0),
        at(times.len().saturating_sub(1)),
    );
    let holds = middle < PROMISED_START;
    println!(
        "start of the program to connection.start: median of {} {middle:.1?} ({least:.1?}-{most:.1?}), promised {PROMISED_START:?} {}",
        times.len(),
        verdict(holds)
    );
    holds
}
