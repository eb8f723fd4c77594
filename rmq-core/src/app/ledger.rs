use std::fmt;

use crate::listener::ListenerLedger;
use crate::observability::PublishCounts;

/// What became of every message of one configuration, at one moment.
///
/// Both sums add up at every moment, or this crate has a bug: sent = confirmed + returned + nacked + refused +
/// unknown + in flight; delivered = acknowledged + dead-lettered + parked + requeued + left to the broker + in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ledger {
    /// What was sent.
    pub published: PublishCounts,
    /// What was delivered.
    pub delivered: ListenerLedger,
}

impl Ledger {
    /// Whether both sums add up.
    #[must_use]
    pub const fn adds_up(&self) -> bool {
        self.published.adds_up() && self.delivered.deliveries.adds_up()
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.published, self.delivered.deliveries)?;
        if self.delivered.lost_without_acknowledgement > 0 {
            write!(
                f,
                "\nLOST, because a listener's acknowledge mode is none: {}",
                self.delivered.lost_without_acknowledgement
            )?;
        }
        Ok(())
    }
}
