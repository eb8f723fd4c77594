use std::fmt;

use bytestring::ByteString;

use super::{PublishErrorKind, RefusedReason};

/// A publish that had not ended when its template stopped, and how it ended then.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnsettledPublish {
    /// The message's id.
    pub message_id: ByteString,
    /// How it ended: as refused if it was never sent, with its last verdict while it waited to be sent again, as
    /// unknown otherwise.
    pub kind: PublishErrorKind,
}

impl fmt::Display for UnsettledPublish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fate = match self.kind {
            PublishErrorKind::Unknown => {
                "unknown to us; look for it by this id before sending it again"
            }
            PublishErrorKind::Returned => "returned: no queue matched",
            PublishErrorKind::Nacked => {
                "nacked: at least one matched queue refused it; others may hold it"
            }
            PublishErrorKind::Refused(RefusedReason::Broker) => {
                "refused by the broker: it is in no queue unless an earlier copy was"
            }
            PublishErrorKind::Refused(_) => {
                "refused by this program: nothing was sent; send it again from the next start"
            }
        };
        write!(f, "published message `{}`: {fate}", self.message_id)
    }
}
