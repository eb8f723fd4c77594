use std::fmt;
use std::time::Duration;

use crate::error::OperationError;

use super::log::Seen;

/// How many other messages are named.
const NAMED: usize = 10;

/// A listener did not do with a message what a test waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSeen {
    pub(super) listener: String,
    pub(super) message_id: String,
    pub(super) waited: Duration,
    pub(super) seen: Seen,
}

impl fmt::Display for NotSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (listener, id) = (&self.listener, &self.message_id);
        write!(f, "after {:?} message `{id}` is ", self.waited)?;
        match &self.seen.asked {
            Some(fate) => write!(f, "{fate} at listener `{listener}`")?,
            None => write!(f, "not yet delivered to listener `{listener}`")?,
        }
        let others = &self.seen.others;
        if others.is_empty() {
            return f.write_str("; it was given no other message");
        }
        let (total, newest) = (others.len(), others.iter().rev().take(NAMED));
        write!(f, "; it was given {total} other")?;
        f.write_str(if total > NAMED { ", the newest:" } else { ":" })?;
        for (id, fate) in newest {
            write!(f, "\n  `{id}`: {fate}")?;
        }
        Ok(())
    }
}

impl std::error::Error for NotSeen {}

impl OperationError for NotSeen {
    fn code(&self) -> &'static str {
        "RMQ-TEST-NOT-SEEN"
    }

    fn is_transient(&self) -> bool {
        true
    }
}
