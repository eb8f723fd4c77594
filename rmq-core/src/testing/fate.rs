use std::fmt;

use crate::observability::DeliveryEnd;

/// What has become of one message at one listener.
///
/// It prints as a sentence, for the message of an `assert!`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fate {
    pub(super) deliveries: u32,
    pub(super) causes: Vec<String>,
    pub(super) ends: Vec<DeliveryEnd>,
}

impl Fate {
    /// How the delivery that ended last has ended; `None` while the first one is still in hand.
    #[must_use]
    pub fn end(&self) -> Option<DeliveryEnd> {
        self.ends.last().copied()
    }

    /// Every end in order: a message that was requeued, or left to the broker, is delivered again and ends again.
    #[must_use]
    pub fn ends(&self) -> &[DeliveryEnd] {
        &self.ends
    }

    /// How often the listener has taken it up.
    #[must_use]
    pub const fn deliveries(&self) -> u32 {
        self.deliveries
    }

    /// Why attempts failed, in order, one sentence for each that did.
    #[must_use]
    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    /// Why the last attempt that failed did.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.causes.last().map(String::as_str)
    }

    /// Its handler succeeded. In acknowledge mode `none` the broker had forgotten the message before its handler ran, so
    /// there it is true of each; [`Fate::cause`] says whether the handler failed.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        self.end() == Some(DeliveryEnd::Acknowledged)
    }

    /// It was rejected; [`Fate::cause`] says why, unless the handler rejected it by its result.
    #[must_use]
    pub fn is_dead_lettered(&self) -> bool {
        self.end() == Some(DeliveryEnd::DeadLettered)
    }

    /// It is in the parking queue; [`Fate::cause`] says why.
    #[must_use]
    pub fn is_parked(&self) -> bool {
        self.end() == Some(DeliveryEnd::Parked)
    }

    /// It went back to its queue.
    #[must_use]
    pub fn is_requeued(&self) -> bool {
        self.end() == Some(DeliveryEnd::Requeued)
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = match self.end() {
            None => "in hand",
            Some(DeliveryEnd::Acknowledged) => "acknowledged",
            Some(DeliveryEnd::DeadLettered) => "dead-lettered",
            Some(DeliveryEnd::Parked) => "parked",
            Some(DeliveryEnd::Requeued) => "requeued",
            Some(DeliveryEnd::LeftToBroker) => "left to the broker",
        };
        f.write_str(end)?;
        if self.deliveries > 1 {
            write!(f, ", delivered {} times", self.deliveries)?;
        }
        match (self.causes.len(), self.cause()) {
            (_, None) => Ok(()),
            (1, Some(cause)) => write!(f, ", an attempt failed: {cause}"),
            (attempts, Some(cause)) => write!(f, ", {attempts} attempts failed, the last: {cause}"),
        }
    }
}
