//! Requests and their replies over direct reply-to.
//!
//! A reply comes to the channel the request left on, without acknowledgement, so the one consumer of
//! `amq.rabbitmq.reply-to` lives on the publishing channel. Each request has a place for one reply; a reply for
//! which nobody waits any more is counted and reported.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytestring::ByteString;
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use crate::message::{Delivery, DeliveryFault, Message};
use crate::observability::{PublishCounts, PublishLedger};
use crate::time::Deadline;
use crate::transport::{CloseCause, DeliverySink};

use super::channel::REPLY_QUEUE;
use super::message_id::{as_text, new_message_id};
use super::{Publish, PublishError, RequestError, RequestErrorKind};

/// A reply, or why it is not whole.
type Answer = Result<Message, DeliveryFault>;

/// Where replies come in and requests wait.
pub(super) struct ReplyDesk {
    wanted: AtomicBool,
    state: watch::Sender<DeskState>,
    waiting: Mutex<HashMap<ByteString, oneshot::Sender<Answer>>>,
    ledger: Arc<PublishLedger>,
}

/// The reply consumer, as requests see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DeskState {
    consuming: bool,
    /// Counts the channels that had a consumer and ended: replies to what left on them are lost.
    ended: u64,
    /// The template has stopped.
    stopped: bool,
}

impl ReplyDesk {
    pub(super) fn new(ledger: Arc<PublishLedger>) -> Self {
        let state = DeskState {
            consuming: false,
            ended: 0,
            stopped: false,
        };
        Self {
            wanted: AtomicBool::new(false),
            state: watch::Sender::new(state),
            waiting: Mutex::default(),
            ledger,
        }
    }

    /// From now on the publishing channel has a reply consumer. True the first time.
    pub(super) fn want(&self) -> bool {
        !self.wanted.swap(true, Ordering::AcqRel)
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    pub(super) fn sink(self: &Arc<Self>) -> Arc<dyn DeliverySink> {
        Arc::new(ReplySink(Arc::clone(self)))
    }

    /// How many channels with a consumer of replies have ended.
    pub(super) fn ended(&self) -> u64 {
        self.state.borrow().ended
    }

    /// The channel that is current now consumes replies.
    pub(super) fn channel_ready(&self) {
        self.state.send_modify(|state| state.consuming = true);
    }

    /// The channel has ended, and with it the address its requests were to be answered at.
    pub(super) fn channel_ended(&self, cause: &CloseCause) {
        self.state.send_if_modified(|state| {
            if !state.consuming {
                return false;
            }
            tracing::debug!(%cause, "the channel that consumes replies has ended");
            state.consuming = false;
            state.ended += 1;
            true
        });
    }

    pub(super) fn end(&self) {
        self.state.send_modify(|state| state.stopped = true);
        self.waiting.lock().clear();
    }

    fn reply(&self, delivery: Delivery) {
        let fault = delivery.fault().filter(|fault| fault.is_incomplete());
        let message = delivery.into_message();
        let id = message.properties().correlation_id.clone();
        let id = id.unwrap_or_default();
        let waiting = self.waiting.lock().remove(&id);
        let answer = fault.map_or(Ok(message), Err);
        if waiting.is_none_or(|waiting| waiting.send(answer).is_err()) {
            tracing::warn!(
                correlation_id = &*id,
                "a reply came for which nobody waits any more"
            );
            let _in_flight = self.ledger.settle(&PublishCounts {
                late_replies: 1,
                ..PublishCounts::default()
            });
        }
    }
}

impl fmt::Debug for ReplyDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyDesk")
            .field("waiting", &self.waiting.lock().len())
            .finish_non_exhaustive()
    }
}

struct ReplySink(Arc<ReplyDesk>);

impl DeliverySink for ReplySink {
    fn deliver(&self, deliveries: &mut Vec<Delivery>) {
        for delivery in deliveries.drain(..) {
            self.0.reply(delivery);
        }
    }

    fn cancelled(&self) {
        // The broker never cancels this consumer while its channel lives; if it did, requests end at their deadline.
        tracing::warn!("the broker has cancelled the consumer of replies");
    }

    fn closed(&self, _cause: &CloseCause) {
        // The supervisor learns it from the flight of the same channel.
    }
}

/// A request's place at the desk. Given up when the request ends, however it ends.
struct Place {
    desk: Arc<ReplyDesk>,
    id: ByteString,
}

impl Place {
    fn take(desk: &Arc<ReplyDesk>) -> (Self, oneshot::Receiver<Answer>) {
        let id = as_text(new_message_id());
        let (tell, told) = oneshot::channel();
        desk.waiting.lock().insert(id.clone(), tell);
        let desk = Arc::clone(desk);
        (Self { desk, id }, told)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.desk.waiting.lock().remove(&self.id);
    }
}

/// Sends a request and waits for its reply.
pub(super) async fn request(
    mut publish: Publish,
    deadline: Deadline,
) -> Result<Message, RequestError> {
    let template = publish.template.clone();
    let engine = template.engine();
    engine.want_replies();
    let desk = engine.replies();
    let mut state = desk.state.subscribe();
    let consuming = state.wait_for(|state| state.consuming || state.stopped);
    let stopped = match deadline.limit(consuming).await {
        Ok(Ok(state)) => state.stopped,
        Ok(Err(_)) => true,
        Err(_) => return Err(RequestError::new(RequestErrorKind::NotSent)),
    };
    if stopped {
        return Err(RequestError::new(RequestErrorKind::Stopped));
    }
    let (place, reply) = Place::take(desk);
    let properties = publish.message.properties_mut();
    let own_id = properties.correlation_id.replace(place.id.clone());
    properties.reply_to = Some(REPLY_QUEUE.into());
    let answered = async {
        let mut reply = reply;
        let ended = tokio::select! {
            biased;
            // The reply may overtake the confirm, and says all the confirm would.
            reply = &mut reply => return taken(reply, RequestErrorKind::Stopped),
            sent = confirmed(publish) => sent?,
        };
        // What is confirmed is not sent again: once the channel that it went out on has ended, nobody can answer.
        tokio::select! {
            biased;
            reply = &mut reply => taken(reply, RequestErrorKind::Stopped),
            _ = state.wait_for(|state| state.ended != ended) => {
                // It may have come just before.
                taken(reply.try_recv(), RequestErrorKind::ReplyLost)
            }
        }
    };
    match deadline.limit(answered).await {
        Ok(answered) => answered.map(|mut message: Message| {
            message.properties_mut().correlation_id = own_id;
            message
        }),
        Err(_) => Err(RequestErrorKind::Timeout.into()),
    }
}

/// Sends and waits for the confirm. How many channels with a consumer had ended before the one that it came on.
async fn confirmed(publish: Publish) -> Result<u64, PublishError> {
    let mut pending = publish.enqueue().await?;
    (&mut pending).await?;
    Ok(pending.ended_before())
}

/// What came of a wait for a reply; `none` says why there is none.
fn taken<E>(reply: Result<Answer, E>, none: RequestErrorKind) -> Result<Message, RequestError> {
    match reply {
        Ok(Ok(message)) => Ok(message),
        Ok(Err(fault)) => Err(RequestError::incomplete(fault)),
        Err(_) => Err(none.into()),
    }
}
