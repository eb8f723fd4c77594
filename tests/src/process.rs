//! What a process on this machine costs, and what machine it is, as `/proc` tells it.

use std::fs;
use std::io;

/// Processor seconds that a process has used, in steps of 10 ms.
///
/// # Errors
/// There is no such process.
pub fn cpu_seconds(pid: u32) -> io::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name of the program, in parentheses, may hold blanks: fields are counted behind it.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let ticks = |n| fields.split(' ').nth(n)?.parse::<f64>().ok();
    match (ticks(11), ticks(12)) {
        (Some(user), Some(system)) => Ok((user + system) / 100.0),
        _ => Err(missing("utime")),
    }
}

/// Memory that a process holds now, in KiB.
///
/// # Errors
/// There is no such process.
pub fn memory_kib(pid: u32) -> io::Result<u64> {
    status_kib(pid, "VmRSS:")
}

/// The most memory that a process has held at once, in KiB.
///
/// # Errors
/// There is no such process.
pub fn peak_memory_kib(pid: u32) -> io::Result<u64> {
    status_kib(pid, "VmHWM:")
}

/// Cores and model of this machine.
#[must_use]
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = cpus.lines().find(|line| line.starts_with("model name"));
    let model = line.and_then(|line| line.split_once(": "));
    let model = model.map_or("an unknown model", |(_, model)| model);
    format!("{cores} cores of {model}")
}

fn status_kib(pid: u32, field: &str) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .ok_or_else(|| missing(field))
}

fn missing(field: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("no {field} in /proc"))
}
