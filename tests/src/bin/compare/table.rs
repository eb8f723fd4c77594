//! The table that goes into the README.

use crate::job::{Contender, Task};
use crate::queue::Kind;
use crate::rounds::{Measured, Rounds};

/// The middle of an odd number of values, and how far they lie apart.
pub fn median(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    (
        at(values.len() / 2),
        at(0),
        at(values.len().saturating_sub(1)),
    )
}

/// Prints the rows of one task.
pub fn print(kind: Kind, task: Task, rounds: &Rounds) {
    println!("\n**{}, {} queue**\n", task.label(), kind.as_str());
    println!(
        "| | messages/s (min-max) | CPU us/message (min-max) | of rmq's | broker CPU us/message | median (min-max) / p99 us | peak MB |"
    );
    println!("|---|---|---|---|---|---|---|");
    let cpu = |measured: &Measured| measured.report.cpu_micros / messages(measured);
    let ours = rounds
        .get(&Contender::Rmq)
        .map(|rounds| median(rounds.iter().map(cpu)).0);
    for (contender, rounds) in rounds {
        let rate = median(rounds.iter().map(|one| messages(one) / one.report.seconds));
        let cpu = median(rounds.iter().map(cpu));
        let broker = median(rounds.iter().map(|one| one.broker_micros / messages(one)));
        #[allow(clippy::cast_precision_loss, reason = "a table of three digits")]
        let peak = median(rounds.iter().map(|one| one.report.peak_kib as f64 / 1024.0));
        let latency = match (
            median(rounds.iter().filter_map(|one| one.report.median_micros)),
            median(rounds.iter().filter_map(|one| one.report.p99_micros)),
        ) {
            ((middle, ..), _) if middle.is_nan() => "".to_owned(),
            ((middle, least, most), (p99, ..)) => {
                format!("{middle:.0} ({least:.0}-{most:.0}) / {p99:.0}")
            }
        };
        let share = ours.map_or(String::new(), |ours| format!("{:.2}", ours / cpu.0));
        println!(
            "| {} | {:.0} ({:.0}-{:.0}) | {:.2} ({:.2}-{:.2}) | {share} | {:.1} | {latency} | {:.1} |",
            contender.label(),
            rate.0,
            rate.1,
            rate.2,
            cpu.0,
            cpu.1,
            cpu.2,
            broker.0,
            peak.0,
        );
    }
}

#[allow(clippy::cast_precision_loss, reason = "a table of three digits")]
fn messages(measured: &Measured) -> f64 {
    measured.report.messages as f64
}
