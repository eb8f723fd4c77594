//! How a listener ends: in its own time, at a deadline, or at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use crate::time::Deadline;

use super::super::control::Control;
use super::super::inbox::Started;
use super::super::state::ListenerState;
use super::super::unsettled::UnsettledDelivery;
use super::Container;

/// How long a consumer's task that was aborted may take to notice.
const ABORT: Duration = Duration::from_secs(1);

impl Container {
    /// Stops its consumers: no further handlers, running ones finish before `handlers_until`, consumers are cancelled, what
    /// is unstarted goes back, channels are closed, all before `deadline`. A second stop waits for the
    /// same consumers. What was not settled is in [`take_cut_off`](Self::take_cut_off).
    pub(in super::super) async fn stop(
        self: Arc<Self>,
        to: ListenerState,
        handlers_until: Deadline,
        deadline: Deadline,
    ) {
        let controls: Vec<_> = {
            let mut inner = self.inner.lock();
            inner.running = false;
            if inner.slots.is_empty() {
                self.become_(to);
                return;
            }
            inner.stops_as = Some(to.clone());
            self.become_(ListenerState::Stopping);
            let controls = inner.slots.iter().map(|slot| Arc::clone(&slot.control));
            controls.collect()
        };
        for control in &controls {
            control.quiet.cancel();
        }
        let quieted = controls.iter().filter_map(|control| control.session());
        let quieted = join_all(quieted.map(|session| async move { session.quiet(deadline).await }));
        let mut consumers = self.consumers.subscribe();
        let mut all = std::pin::pin!(async {
            quieted.await;
            // The sender lives as long as this listener.
            let _ended = consumers.wait_for(|consumers| *consumers == 0).await;
        });
        if handlers_until.limit(&mut all).await.is_err() {
            for control in &controls {
                control.kill.cancel();
            }
            if deadline.limit(&mut all).await.is_err() {
                self.abandon_all(&controls);
                for slot in &self.inner.lock().slots {
                    slot.task.abort();
                }
                // Gone as soon as they let the runtime have its thread; what they held is counted then.
                if Deadline::after(ABORT).limit(&mut all).await.is_err() {
                    self.inner.lock().slots.clear();
                    self.consumers.send_replace(0);
                    self.become_(to);
                }
            }
        }
    }

    /// What was neither finished nor handed back since this was asked last.
    pub(in super::super) fn take_cut_off(&self) -> Vec<UnsettledDelivery> {
        std::mem::take(&mut *self.cut_off.lock())
    }

    /// Ends at once and waits for nothing. Gives everything that was in hand.
    pub(in super::super) fn abandon(&self) -> Vec<UnsettledDelivery> {
        let slots = {
            let mut inner = self.inner.lock();
            inner.running = false;
            std::mem::take(&mut inner.slots)
        };
        let controls: Vec<_> = slots.into_iter().map(|slot| slot.control).collect();
        self.abandon_all(&controls);
        for control in &controls {
            control.quiet.cancel();
            control.kill.cancel();
        }
        self.become_(ListenerState::Stopped);
        self.take_cut_off()
    }

    fn abandon_all(&self, controls: &[Arc<Control>]) {
        for session in controls.iter().filter_map(|control| control.session()) {
            self.cut_off(session.inbox.started());
            for delivery in session.inbox.peek_unstarted() {
                self.cut_off(Some(delivery));
            }
        }
    }

    /// Notes a delivery that was neither finished nor handed back.
    pub(in super::super) fn cut_off(&self, started: Option<Started>) {
        let Some(Started { tag, message_id }) = started else {
            return;
        };
        let mut cut_off = self.cut_off.lock();
        let unsettled = UnsettledDelivery {
            listener: self.settings.id.clone(),
            message_id,
            delivery_tag: tag,
            lost: self.settings.no_ack(),
        };
        if !cut_off.contains(&unsettled) {
            tracing::error!(%unsettled, "a delivery was not settled");
            cut_off.push(unsettled);
        }
    }
}
