//! What a process cost: processor time by getrusage, peak memory and another process's time by /proc.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::Failure;

/// A clock of wall and processor time.
pub struct Clock {
    wall: Instant,
    cpu: i64,
}

impl Clock {
    /// Starts now.
    pub fn start() -> Result<Self, Failure> {
        Ok(Self {
            wall: Instant::now(),
            cpu: cpu_micros()?,
        })
    }

    /// Wall time and processor microseconds of this process since the start.
    pub fn stop(&self) -> Result<(Duration, f64), Failure> {
        let cpu = i32::try_from(cpu_micros()? - self.cpu)?;
        Ok((self.wall.elapsed(), f64::from(cpu)))
    }
}

fn cpu_micros() -> Result<i64, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok(usage.user_time().num_microseconds() + usage.system_time().num_microseconds())
}

/// Peak resident memory of this process, in KiB.
pub fn peak_memory_kib() -> Result<u64, Failure> {
    status_kib("VmHWM:")
}

fn status_kib(field: &str) -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .ok_or("no such field")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Processor seconds that another process has used, in steps of 10 ms.
pub fn cpu_seconds_of(pid: u32) -> Result<f64, Failure> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat
        .rsplit_once(") ")
        .ok_or("no process name in /proc/pid/stat")?
        .1;
    let ticks = |n: usize| -> Result<f64, Failure> {
        Ok(fields
            .split(' ')
            .nth(n)
            .ok_or("too few fields in /proc/pid/stat")?
            .parse()?)
    };
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}
