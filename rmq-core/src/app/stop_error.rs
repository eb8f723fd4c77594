use std::fmt;

use crate::error::OperationError;
use crate::listener::UnsettledDelivery;
use crate::template::UnsettledPublish;

/// The application has stopped, and these messages could not be settled before its deadline.
#[derive(Clone)]
pub struct StopError {
    /// Deliveries that were cut off.
    deliveries: Vec<UnsettledDelivery>,
    /// Publishes that were cut off.
    publishes: Vec<UnsettledPublish>,
}

impl StopError {
    /// `Ok` when everything was settled.
    pub(super) fn unless_settled(
        deliveries: Vec<UnsettledDelivery>,
        publishes: Vec<UnsettledPublish>,
    ) -> Result<(), Self> {
        if deliveries.is_empty() && publishes.is_empty() {
            return Ok(());
        }
        Err(Self {
            deliveries,
            publishes,
        })
    }

    /// Deliveries that a handler had not finished. Unless it says that it is lost, the broker delivers each again.
    #[must_use]
    pub fn deliveries(&self) -> &[UnsettledDelivery] {
        &self.deliveries
    }

    /// Publishes that had not ended. [`kind`](UnsettledPublish::kind) says what became of each: the broker may have those
    /// that are `Unknown`, and never saw those that this program refused.
    #[must_use]
    pub fn publishes(&self) -> &[UnsettledPublish] {
        &self.publishes
    }
}

impl fmt::Display for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "stopped at the deadline with {} deliveries and {} publishes unsettled",
            self.deliveries.len(),
            self.publishes.len()
        )?;
        for delivery in &self.deliveries {
            write!(f, "\n  {delivery}")?;
        }
        for publish in &self.publishes {
            write!(f, "\n  {publish}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for StopError {}

impl OperationError for StopError {
    fn code(&self) -> &'static str {
        "RMQ-STOP-UNSETTLED"
    }

    fn is_transient(&self) -> bool {
        false
    }
}
