//! Manual mode: the handler settles, and the container sees to it that it did.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::handler::{AcknowledgeError, Acknowledgement, Acknowledger, ManualSettlement};
use crate::observability::DeliveryEnd;
use crate::transport::Settlement;

use super::session::Session;

/// The container's view of one delivery that its handler settles.
#[derive(Debug)]
pub(super) struct ByHand(Arc<Mutex<Said>>);

/// What the handler has said so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    /// Ack and reject are sent as they are said; a requeue is kept, so that it waits for the back-off.
    Settled(Acknowledgement),
    /// The handler has returned.
    Over,
}

#[derive(Debug)]
struct Settle {
    session: Arc<Session>,
    tag: u64,
    said: Arc<Mutex<Said>>,
}

impl ByHand {
    /// What the container keeps, and what the handler gets.
    pub(super) fn new(session: &Arc<Session>, tag: u64) -> (Self, Acknowledger) {
        let said = Arc::new(Mutex::new(Said::Nothing));
        let settle = Settle {
            session: Arc::clone(session),
            tag,
            said: Arc::clone(&said),
        };
        (Self(said), Acknowledger::new(Box::new(settle)))
    }

    /// What the handler has said, if anything.
    pub(super) fn said(&self) -> Option<Acknowledgement> {
        match *self.0.lock() {
            Said::Settled(acknowledgement) => Some(acknowledgement),
            Said::Nothing | Said::Over => None,
        }
    }

    /// The container settles from now on. What the handler had said, if anything.
    pub(super) fn take_over(&self) -> Option<Acknowledgement> {
        let mut said = self.0.lock();
        let before = *said;
        *said = Said::Over;
        match before {
            Said::Settled(acknowledgement) => Some(acknowledgement),
            Said::Nothing | Said::Over => None,
        }
    }
}

impl ManualSettlement for Settle {
    fn settle(&self, acknowledgement: Acknowledgement) -> Result<(), AcknowledgeError> {
        let mut said = self.said.lock();
        match *said {
            Said::Nothing => {}
            Said::Settled(before) => return Err(AcknowledgeError::AlreadySettled(before)),
            Said::Over => return Err(AcknowledgeError::TooLate),
        }
        let sent = match acknowledgement {
            Acknowledgement::Ack => {
                self.session
                    .settle(self.tag, Settlement::Ack, DeliveryEnd::Acknowledged)
            }
            Acknowledgement::Reject => {
                self.session
                    .settle(self.tag, Settlement::Reject, DeliveryEnd::DeadLettered)
            }
            Acknowledgement::Requeue => !self.session.inbox.is_closed(),
        };
        // Counted as left to the broker already, unless it was to wait.
        if !sent && acknowledgement == Acknowledgement::Requeue {
            return Err(AcknowledgeError::ChannelEnded);
        }
        *said = Said::Settled(acknowledgement);
        if sent {
            Ok(())
        } else {
            Err(AcknowledgeError::ChannelEnded)
        }
    }
}
