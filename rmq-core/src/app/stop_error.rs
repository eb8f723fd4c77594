use std::fmt;

use bytestring::ByteString;

use crate::error::OperationError;
use crate::listener::UnsettledDelivery;

/// The application has stopped, and these messages could not be settled before its deadline.
#[derive(Clone)]
pub struct StopError {
    /// Deliveries that were cut off.
    deliveries: Vec<UnsettledDelivery>,
    /// Ids of messages sent whose verdict did not come.
    publishes: Vec<ByteString>,
}

impl StopError {
    /// `Ok` when everything was settled.
    pub(super) fn unless_settled(
        deliveries: Vec<UnsettledDelivery>,
        publishes: Vec<ByteString>,
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

    /// Ids of messages that were sent and had no verdict: the broker may have them or not.
    #[must_use]
    pub fn publishes(&self) -> &[ByteString] {
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
        for id in &self.publishes {
            write!(
                f,
                "\n  published message `{id}`: unknown to us; look for it by this id before sending it again"
            )?;
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
