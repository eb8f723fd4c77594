//! lapin's side of one channel.

use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};

use crate::name::Name;

use super::lease::Lease;

/// lapin's objects live as long as the data plane's: a dropped channel closes itself and a dropped consumer cancels,
/// and a cancel that meets a closing channel would end lapin's whole connection.
#[derive(Debug, Default)]
pub(super) struct Control {
    channel: State,
    consumers: Vec<(Name, lapin::Consumer)>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Opening,
    Open(lapin::Channel),
    /// Somebody is closing it.
    Closing,
    Closed,
}

impl Control {
    /// lapin's channel, while it is open.
    pub(super) fn channel(&self) -> Option<lapin::Channel> {
        match &self.channel {
            State::Open(channel) => Some(channel.clone()),
            _ => None,
        }
    }

    /// Keeps a consumer until it is cancelled or its channel closed. Those that the broker has cancelled go now: no more
    /// are kept than consume, and ended since the last one began.
    pub(super) fn keep(&mut self, tag: Name, consumer: lapin::Consumer) {
        self.consumers.retain_mut(|(_, kept)| !has_ended(kept));
        if !matches!(self.channel, State::Closed) {
            self.consumers.push((tag, consumer));
        }
    }

    /// Drops a consumer that is cancelled.
    pub(super) fn drop_consumer(&mut self, tag: &Name) {
        self.consumers.retain(|(kept, _)| kept != tag);
    }

    /// How many are kept.
    pub(super) fn consumers(&self) -> usize {
        self.consumers.len()
    }
}

/// Whether lapin knows that it is cancelled: only then may it be dropped. It sees no message, so its end is all that it
/// can have to tell.
fn has_ended(consumer: &mut lapin::Consumer) -> bool {
    matches!(consumer.next().now_or_never(), Some(None))
}

impl Lease {
    /// lapin has opened the channel.
    pub(super) fn attach(self: &Arc<Self>, channel: lapin::Channel) {
        self.control.lock().channel = State::Open(channel);
        // It may have ended before: whoever ended it found nothing to close.
        if self.cause().is_some() {
            self.close_control();
        }
    }

    /// Closes lapin's channel in the background, once. Open on the wire, its close goes out; else the link answers it.
    pub(super) fn close_control(self: &Arc<Self>) {
        let channel = {
            let mut control = self.control.lock();
            match std::mem::replace(&mut control.channel, State::Closing) {
                State::Open(channel) => channel,
                other => {
                    control.channel = other;
                    return;
                }
            }
        };
        let lease = Arc::clone(self);
        self.runtime.spawn(async move {
            // An error says that lapin had closed it already, or that the link is gone.
            let _ = channel.close(200, "OK".into()).await;
            let mut control = lease.control.lock();
            control.channel = State::Closed;
            control.consumers.clear();
        });
    }
}
