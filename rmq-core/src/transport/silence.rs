//! How long the peer has said nothing.

use super::shared::Shared;
use super::tune::Tune;

/// Counts half heartbeat intervals in which nothing came.
#[derive(Default)]
pub(super) struct Silence {
    ticker: Option<tokio::time::Interval>,
    halves: u32,
}

impl Silence {
    pub(super) async fn tick(&mut self, shared: &Shared) {
        if self.ticker.is_none() {
            let heartbeat = shared.negotiated().and_then(Tune::heartbeat);
            let Some(heartbeat) = heartbeat else {
                return std::future::pending().await;
            };
            let mut ticker = tokio::time::interval(heartbeat / 2);
            ticker.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            ticker.reset();
            self.ticker = Some(ticker);
        }
        if let Some(ticker) = &mut self.ticker {
            ticker.tick().await;
            self.halves += 1;
        }
    }

    pub(super) const fn broken(&mut self) {
        self.halves = 0;
    }

    /// Two whole intervals: up to half a one goes by before the first tick counts.
    pub(super) const fn is_too_long(&self) -> bool {
        self.halves > 4
    }
}
