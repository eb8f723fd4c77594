//! What this process cost, finer than `/proc` tells it.

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
