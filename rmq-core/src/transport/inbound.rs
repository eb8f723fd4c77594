//! What the reader has in its hands for one channel, between the bytes and the sinks.

use std::sync::Arc;

use super::content::Assembly;
use super::deliveries::Consumers;
use super::{PublishSink, Token, Verdict};

/// What the reader has in its hands for this channel.
#[derive(Default)]
pub(super) struct Inbound {
    pub(super) assembly: Assembly,
    pub(super) verdicts: Vec<(Token, Verdict)>,
    pub(super) publisher: Option<Arc<dyn PublishSink>>,
    pub(super) consumers: Consumers,
    /// In the reader's list of channels to tell at the end of this read.
    pub(super) touched: bool,
    pub(super) told: bool,
}

impl std::fmt::Debug for Inbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbound")
            .field("touched", &self.touched)
            .finish_non_exhaustive()
    }
}

impl Inbound {
    /// Tells the sinks what has gathered.
    pub(super) fn tell(&mut self) {
        self.touched = false;
        if !self.verdicts.is_empty() {
            if let Some(publisher) = &self.publisher {
                publisher.settled(&mut self.verdicts);
            }
            self.verdicts.clear();
        }
        self.consumers.tell();
    }
}
